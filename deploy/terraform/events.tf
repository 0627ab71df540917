locals {
  # What `rotd detections event-pattern` prints.
  pattern = {
    "detail-type" = [
      "AWS API Call via CloudTrail",
      "AWS Service Event via CloudTrail",
      "AWS Console Action via CloudTrail",
      "KMS CMK Rotation",
      "KMS Imported Key Material Expiration",
      "KMS CMK Deletion",
    ]
    "$or" = [
      { source = ["aws.kms"] },
      {
        source = [{ prefix = "aws." }]
        detail = {
          eventSource = ["cloudtrail.amazonaws.com"]
          eventName   = ["CreateTrail", "DeleteTrail", "PutEventSelectors", "StopLogging", "UpdateTrail"]
        }
      },
      {
        source = [{ prefix = "aws." }]
        detail = {
          eventSource = ["events.amazonaws.com"]
          eventName   = ["DeleteRule", "DisableRule", "PutRule", "PutTargets", "RemoveTargets"]
        }
      },
      {
        source = [{ prefix = "aws." }]
        detail = {
          eventSource = ["iam.amazonaws.com"]
          eventName = [
            "AttachRolePolicy",
            "DeleteRole",
            "DeleteRolePermissionsBoundary",
            "DeleteRolePolicy",
            "DetachRolePolicy",
            "PutRolePermissionsBoundary",
            "PutRolePolicy",
            "UpdateAssumeRolePolicy",
          ]
        }
      },
      {
        source = [{ prefix = "aws." }]
        detail = {
          eventSource = ["s3.amazonaws.com"]
          eventName   = ["CopyObject", "CreateMultipartUpload", "DeleteBucket", "PutBucketNotification", "PutObject"]
        }
      },
      {
        source = [{ prefix = "aws." }]
        detail = {
          eventSource = ["sns.amazonaws.com"]
          eventName = [
            "AddPermission",
            "DeleteTopic",
            "RemovePermission",
            "SetSubscriptionAttributes",
            "SetTopicAttributes",
            "Unsubscribe",
          ]
        }
      },
      {
        source = [{ prefix = "aws." }]
        detail = {
          eventSource = ["sqs.amazonaws.com"]
          eventName   = ["AddPermission", "DeleteQueue", "PurgeQueue", "RemovePermission", "SetQueueAttributes"]
        }
      },
    ]
  }
}

resource "aws_cloudwatch_event_rule" "events" {
  name          = "${var.name}-events"
  description   = "What rotd's rules want to hear of"
  state         = local.state
  event_pattern = jsonencode(local.pattern)
}

resource "aws_cloudwatch_event_target" "events" {
  rule = aws_cloudwatch_event_rule.events.name
  arn  = aws_sqs_queue.queue.arn
  dead_letter_config { arn = aws_sqs_queue.dead_letters.arn }
}

resource "aws_cloudwatch_event_bus" "bus" {
  count = local.has_members ? 1 : 0
  name  = var.name
}

resource "aws_cloudwatch_event_bus_policy" "bus_policy" {
  count          = local.has_members ? 1 : 0
  event_bus_name = aws_cloudwatch_event_bus.bus[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "members"
      Effect    = "Allow"
      Principal = "*"
      Action    = "events:PutEvents"
      Resource  = aws_cloudwatch_event_bus.bus[0].arn
      Condition = { StringEquals = { "aws:PrincipalOrgID" = var.organization_id } }
    }]
  })
}

resource "aws_cloudwatch_event_rule" "member_events" {
  count          = local.has_members ? 1 : 0
  name           = "${var.name}-member-events"
  description    = "What members' rules sent"
  event_bus_name = aws_cloudwatch_event_bus.bus[0].name
  state          = local.state
  event_pattern  = jsonencode({ source = [{ prefix = "aws." }] })
}

resource "aws_cloudwatch_event_target" "member_events" {
  count          = local.has_members ? 1 : 0
  event_bus_name = aws_cloudwatch_event_bus.bus[0].name
  rule           = aws_cloudwatch_event_rule.member_events[0].name
  arn            = aws_sqs_queue.queue.arn
  dead_letter_config { arn = aws_sqs_queue.dead_letters.arn }
}

resource "aws_cloudwatch_event_rule" "log_files" {
  count       = local.has_trail ? 1 : 0
  name        = "${var.name}-log-files"
  description = "New log files of the trail"
  event_pattern = jsonencode({
    source        = ["aws.s3"]
    "detail-type" = ["Object Created"]
    detail = {
      bucket = { name = [var.trail_bucket] }
      object = { key = [{ prefix = var.trail_prefix }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "log_files" {
  count = local.has_trail ? 1 : 0
  rule  = aws_cloudwatch_event_rule.log_files[0].name
  arn   = aws_sqs_queue.queue.arn
  dead_letter_config { arn = aws_sqs_queue.dead_letters.arn }
}
