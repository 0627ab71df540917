# The same as ../cloudformation/rotd.yaml, for those who use Terraform: what rotd needs where it runs. The comments that
# say why are there; a test compares the two. Other accounts and Regions take member/, which is member.yaml.

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
  region    = data.aws_region.current.name
  suffix    = data.aws_partition.current.dns_suffix

  acts        = var.mode != "observe"
  has_members = var.organization_id != ""
  has_trail   = var.trail_bucket != ""
  state       = var.management_events == "all" ? "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" : "ENABLED"
  alarms      = "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:*"
  own_account = { "aws:SourceAccount" = local.account }
}

resource "aws_kms_key" "key" {
  description         = "rotd's queues and topics"
  enable_key_rotation = true
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Administer"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "Rules"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = {
          StringEquals = local.own_account
          ArnLike      = { "aws:SourceArn" = "arn:${local.partition}:events:${local.region}:${local.account}:rule/*" }
        }
      },
      {
        Sid       = "Alarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = { StringEquals = local.own_account, ArnLike = { "aws:SourceArn" = local.alarms } }
      },
      {
        Sid       = "Daemon"
        Effect    = "Allow"
        Principal = { AWS = aws_iam_role.role.arn }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*"
        Condition = {
          StringEquals = { "kms:ViaService" = [for s in ["sqs", "sns"] : "${s}.${local.region}.${local.suffix}"] }
        }
      },
    ]
  })
  lifecycle { prevent_destroy = true }
}

resource "aws_sqs_queue" "queue" {
  name                              = var.name
  kms_master_key_id                 = aws_kms_key.key.arn
  kms_data_key_reuse_period_seconds = 3600
  message_retention_seconds         = 604800
  receive_wait_time_seconds         = 20
  visibility_timeout_seconds        = 60
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 20
  })
}

resource "aws_sqs_queue" "dead_letters" {
  name                              = "${var.name}-dead-letters"
  kms_master_key_id                 = aws_kms_key.key.arn
  kms_data_key_reuse_period_seconds = 3600
  message_retention_seconds         = 1209600
}

resource "aws_sqs_queue_policy" "queue_policy" {
  for_each  = { queue = aws_sqs_queue.queue, dead_letters = aws_sqs_queue.dead_letters }
  queue_url = each.value.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Rules"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = each.value.arn
        Condition = {
          ArnEquals = {
            "aws:SourceArn" = concat(
              [aws_cloudwatch_event_rule.events.arn],
              aws_cloudwatch_event_rule.member_events[*].arn,
              aws_cloudwatch_event_rule.log_files[*].arn,
            )
          }
        }
      },
      {
        Sid       = "OnlyTLS"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = each.value.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic" "on_call" {
  name              = "${var.name}-oncall"
  display_name      = "rotd"
  kms_master_key_id = aws_kms_key.key.arn
}

resource "aws_sns_topic" "notices" {
  name              = "${var.name}-notices"
  display_name      = "rotd notices"
  kms_master_key_id = aws_kms_key.key.arn
}

resource "aws_sns_topic_subscription" "on_call_subscription" {
  count     = var.on_call_email == "" ? 0 : 1
  topic_arn = aws_sns_topic.on_call.arn
  protocol  = "email"
  endpoint  = var.on_call_email
}

resource "aws_sns_topic_subscription" "notices_subscription" {
  count     = var.notices_email == "" ? 0 : 1
  topic_arn = aws_sns_topic.notices.arn
  protocol  = "email"
  endpoint  = var.notices_email
}

resource "aws_sns_topic_policy" "topic_policy" {
  for_each = { on_call = aws_sns_topic.on_call, notices = aws_sns_topic.notices }
  arn      = each.value.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "Alarms"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = each.value.arn
        Condition = { StringEquals = local.own_account, ArnLike = { "aws:SourceArn" = local.alarms } }
      },
      {
        Sid       = "OnlyTLS"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = each.value.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}
