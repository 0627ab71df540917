package main

import (
	"fmt"
	"regexp"
	"strings"

	"rotd/internal/remediation"
)

// noIdentifier matches what a name in Terraform cannot have.
var noIdentifier = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// printIaC prints what to change in code that manages the key, which would otherwise move the aliases back.
func (c *cli) printIaC(a *remediation.Action) {
	id := "NEW-KEY-ID"
	if a.NewKeyARN != "" {
		id = a.NewKeyARN[strings.LastIndexByte(a.NewKeyARN, '/')+1:]
	}
	alias, name := firstAlias(a), "key"
	if n := strings.Trim(noIdentifier.ReplaceAllString(strings.TrimPrefix(alias, "alias/"), "_"), "_"); n != "" {
		name = n
	}
	c.heading("To change where code manages the key or its aliases")
	c.paragraph("", "Terraform: give the old key another address (copy its resource block there) and the new key the old "+
		"one's. An alias that takes its target from there needs no change. Names are guesses; a plan must show none but "+
		"the move and the import.")
	fmt.Fprintf(c.out, `
    moved {
      from = aws_kms_key.%[1]s
      to   = aws_kms_key.%[1]s_former
    }
    import {
      to = aws_kms_key.%[1]s
      id = "%[2]s"
    }
`, name, id)
	if alias != "" {
		fmt.Fprintf(c.out, `    resource "aws_kms_alias" "%[1]s" {
      name          = "%[2]s"
      target_key_id = aws_kms_key.%[1]s.key_id
    }
`, name, clean(alias))
	}
	fmt.Fprintln(c.out)
	c.paragraph("", "CloudFormation: leave the old key's resource as it is, add one with the same properties and "+
		"DeletionPolicy: Retain for the new key, import it, then set TargetKeyId: !Ref NewKey in each AWS::KMS::Alias.")
	fmt.Fprintf(c.out, `
    aws cloudformation create-change-set --stack-name STACK \
      --change-set-name replaced --change-set-type IMPORT \
      --template-body file://template.yaml --resources-to-import \
      'ResourceType=AWS::KMS::Key,LogicalResourceId=NewKey,ResourceIdentifier={KeyId=%s}'
`, id)
}

// firstAlias is the first alias that an action moves, "" when it moves none.
func firstAlias(a *remediation.Action) string {
	for i := range a.Calls {
		if c := &a.Calls[i]; c.Operation == remediation.UpdateAlias {
			return c.Alias
		}
	}
	return ""
}
