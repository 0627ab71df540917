package reencrypt

import "fmt"

// Key is what decides whether a key can open or seal ciphertext.
type Key struct {
	Name    string // for people
	State   string // KMS's words, as those of Spec and Usage
	Spec    string
	Usage   string
	Managed bool // by AWS, for one of its services
	Gone    bool // KMS does not know it
	Denied  bool // KMS does not describe it to rotd
}

// Role is what a key is to do.
type Role string

// Roles.
const (
	Source      Role = "source"
	Destination Role = "destination"
)

// Unfit says why a key cannot do that, and what to do; "" when it can, as far as is known.
func Unfit(k Key, role Role) string {
	switch {
	case k.Gone:
		return k.Name + " is not there any more: KMS does not know it."
	case k.Denied:
		return "KMS does not describe " + k.Name + " to rotd: let its role call kms:DescribeKey."
	case k.Spec != "SYMMETRIC_DEFAULT" || k.Usage != "ENCRYPT_DECRYPT":
		return fmt.Sprintf("%s is of spec %s for %s: only symmetric encryption keys re-encrypt here.", k.Name, k.Spec,
			k.Usage)
	case k.Managed && role == Destination:
		return k.Name + " is managed by AWS for one of its services, and seals nothing for others. Choose a key of your own."
	case k.State == "Enabled":
		return ""
	case k.State == "PendingDeletion" || k.State == "PendingReplicaDeletion":
		return fmt.Sprintf("%s is waiting to be deleted. Cancel that (aws kms cancel-key-deletion), enable it, and ask "+
			"again before its ciphertext is lost.", k.Name)
	case k.State == "Disabled":
		return k.Name + " is disabled. Enable it (aws kms enable-key), and ask again."
	}
	return fmt.Sprintf("%s is in state %s: KMS would refuse every call.", k.Name, k.State)
}
