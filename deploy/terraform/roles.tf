# The policies are what `rotd iam print-policy` prints for the mode, each statement by its name there.

locals {
  keys    = "arn:${local.partition}:kms:*:${local.account}:key/*"
  aliases = "arn:${local.partition}:kms:*:${local.account}:alias/*"
  members = [
    for name in [var.member_role_name, var.member_emergency_role_name] :
    "arn:${local.partition}:iam::*:role/${name}" if local.has_members
  ]
}

resource "aws_iam_role" "role" {
  name        = var.name
  description = "rotd"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = var.runs_on == "ec2" ? "ec2.amazonaws.com" : "ecs-tasks.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_instance_profile" "instance_profile" {
  count = var.runs_on == "ec2" ? 1 : 0
  name  = var.name
  role  = aws_iam_role.role.name
}

resource "aws_iam_role_policy" "watch" {
  role = aws_iam_role.role.name
  name = "watch"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Events"
        Effect   = "Allow"
        Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
        Resource = [aws_sqs_queue.queue.arn]
      },
      {
        Sid      = "DeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:GetQueueAttributes"]
        Resource = [aws_sqs_queue.dead_letters.arn]
      },
      {
        Sid      = "Alerts"
        Effect   = "Allow"
        Action   = ["sns:GetTopicAttributes", "sns:Publish"]
        Resource = [aws_sns_topic.on_call.arn, aws_sns_topic.notices.arn]
      },
      {
        Sid      = "Assume"
        Effect   = "Allow"
        Action   = ["sts:AssumeRole"]
        Resource = concat([aws_iam_role.emergency_role.arn], local.members)
      },
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
  role  = aws_iam_role.role.name
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

resource "aws_iam_role_policy" "list_accounts" {
  count = local.has_members ? 1 : 0
  role  = aws_iam_role.role.name
  name  = "list-accounts"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ListAccounts"
        Effect   = "Allow"
        Action   = ["organizations:ListAccounts"]
        Resource = ["*"]
      },
    ]
  })
}

resource "aws_iam_role_policy" "read_logs" {
  count = local.has_trail ? 1 : 0
  role  = aws_iam_role.role.name
  name  = "read-logs"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      for s in [
        {
          Sid      = "ReadLogs"
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = ["arn:${local.partition}:s3:::${var.trail_bucket}/${var.trail_prefix}*"]
        },
        {
          Sid      = "ReadLogsKey"
          Effect   = "Allow"
          Action   = ["kms:Decrypt"]
          Resource = [var.trail_key_arn]
        },
      ] : s if s.Resource[0] != ""
    ]
  })
}

resource "aws_iam_role" "emergency_role" {
  name        = "${var.name}-emergency"
  description = "What people ask of rotd with --emergency"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = aws_iam_role.role.arn }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "emergency_policy" {
  role = aws_iam_role.emergency_role.name
  name = "emergency"
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
