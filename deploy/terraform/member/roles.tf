# The policies are what `rotd iam print-policy --member` and `--emergency` print.

locals {
  keys    = "arn:${local.partition}:kms:*:${local.account}:key/*"
  aliases = "arn:${local.partition}:kms:*:${local.account}:alias/*"
  trust = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = var.rotd_role_arn }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "sts:ExternalId" = var.external_id } }
    }]
  })
}

resource "aws_iam_role" "role" {
  count              = local.has_roles ? 1 : 0
  name               = var.member_role_name
  description        = "rotd's in this account"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy" "watch" {
  count = local.has_roles ? 1 : 0
  role  = aws_iam_role.role[0].name
  name  = "watch"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ListKeys"
        Effect   = "Allow"
        Action   = ["kms:ListAliases", "kms:ListKeys"]
        Resource = ["*"]
      },
      {
        Sid    = "ReadKeys"
        Effect = "Allow"
        Action = [
          "kms:DescribeKey",
          "kms:GetKeyLastUsage",
          "kms:GetKeyPolicy",
          "kms:GetKeyRotationStatus",
          "kms:ListGrants",
          "kms:ListKeyRotations",
          "kms:ListResourceTags",
        ]
        Resource = [local.keys]
      },
    ]
  })
}

resource "aws_iam_role_policy" "act" {
  count = local.acts ? 1 : 0
  role  = aws_iam_role.role[0].name
  name  = "act"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Rotate"
        Effect   = "Allow"
        Action   = ["kms:EnableKeyRotation", "kms:RotateKeyOnDemand"]
        Resource = [local.keys]
      },
      {
        Sid      = "Restore"
        Effect   = "Allow"
        Action   = ["kms:CancelKeyDeletion", "kms:EnableKey"]
        Resource = [local.keys]
      },
    ]
  })
}

resource "aws_iam_role" "emergency_role" {
  count              = local.has_emergencies ? 1 : 0
  name               = var.member_emergency_role_name
  description        = "What people ask of rotd with --emergency"
  assume_role_policy = local.trust
}

resource "aws_iam_role_policy" "emergency_policy" {
  count = local.has_emergencies ? 1 : 0
  role  = aws_iam_role.emergency_role[0].name
  name  = "emergency"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Rotate"
        Effect   = "Allow"
        Action   = ["kms:EnableKeyRotation", "kms:RotateKeyOnDemand"]
        Resource = [local.keys]
      },
      {
        Sid       = "CreateKeys"
        Effect    = "Allow"
        Action    = ["kms:CreateKey"]
        Resource  = ["*"]
        Condition = { Null = { "aws:RequestTag/rotd:action" = "false" } }
      },
      {
        Sid    = "Replace"
        Effect = "Allow"
        Action = [
          "kms:CreateGrant",
          "kms:EnableKeyRotation",
          "kms:ReplicateKey",
          "kms:TagResource",
          "kms:UpdateAlias",
        ]
        Resource = [local.keys]
      },
      {
        Sid      = "MoveAliases"
        Effect   = "Allow"
        Action   = ["kms:UpdateAlias"]
        Resource = [local.aliases]
      },
      {
        Sid      = "Restore"
        Effect   = "Allow"
        Action   = ["kms:CancelKeyDeletion", "kms:EnableKey"]
        Resource = [local.keys]
      },
      {
        Sid      = "Contain"
        Effect   = "Allow"
        Action   = ["kms:CreateAlias", "kms:DeleteAlias", "kms:DisableKey", "kms:RevokeGrant"]
        Resource = [local.keys]
      },
      {
        Sid      = "RetireAliases"
        Effect   = "Allow"
        Action   = ["kms:CreateAlias", "kms:DeleteAlias"]
        Resource = [local.aliases]
      },
    ]
  })
}
