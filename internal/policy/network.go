package policy

import (
	"fmt"
	"net/netip"
)

// CheckMapped refuses a network of IPv4 that is written as IPv6, such as ::ffff:10.0.0.0/104: addresses are compared as
// IPv4, so that none would be in it.
func CheckMapped(network netip.Prefix) error {
	addr := network.Addr()
	if !addr.Is4In6() {
		return nil
	}
	return fmt.Errorf("%s is IPv4 written as IPv6, which no address is compared as: write %s", network,
		netip.PrefixFrom(addr.Unmap(), max(network.Bits()-96, 0)).Masked())
}
