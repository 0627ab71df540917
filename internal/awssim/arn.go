package awssim

import "strings"

// partitionOf is the partition a Region belongs to.
func partitionOf(region string) string {
	for _, p := range []struct{ prefix, partition string }{
		{"cn-", "aws-cn"},
		{"us-gov-", "aws-us-gov"},
		{"eusc-", "aws-eusc"},
		{"us-isob-", "aws-iso-b"},
		{"us-isof-", "aws-iso-f"},
		{"us-iso-", "aws-iso"},
		{"eu-isoe-", "aws-iso-e"},
	} {
		if strings.HasPrefix(region, p.prefix) {
			return p.partition
		}
	}
	return "aws"
}

// arnOf builds the ARN of a resource in the partition its Region belongs to.
func arnOf(service, region, account, resource string) string {
	return strings.Join([]string{"arn", partitionOf(region), service, region, account, resource}, ":")
}

// arnParts are the six fields of an ARN; ok is false for anything else.
type arnParts struct{ partition, service, region, account, resource string }

func parseARN(arn string) (parts arnParts, ok bool) {
	f := strings.SplitN(arn, ":", 6)
	if len(f) != 6 || f[0] != "arn" {
		return arnParts{}, false
	}
	return arnParts{partition: f[1], service: f[2], region: f[3], account: f[4], resource: f[5]}, true
}
