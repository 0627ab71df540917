# The same as ../../cloudformation/member.yaml, for those who use Terraform: what an account and Region needs that a rotd
# elsewhere looks after. The comments that say why are there; a test compares the two. Give it a provider for each account
# and Region, and one roles_region for each account.

terraform {
  required_version = ">= 1.3"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.31" # the first that knows a rule's state
    }
  }
}

data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

locals {
  partition = data.aws_partition.current.partition
  account   = data.aws_caller_identity.current.account_id

  has_roles       = var.roles != "none" && var.roles_region == data.aws_region.current.name
  acts            = local.has_roles && contains(["act", "act-and-emergency"], var.roles)
  has_emergencies = local.has_roles && contains(["observe-and-emergency", "act-and-emergency"], var.roles)
}
