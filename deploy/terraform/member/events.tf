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
  state         = var.management_events == "all" ? "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" : "ENABLED"
  event_pattern = jsonencode(local.pattern)
}

resource "aws_cloudwatch_event_target" "events" {
  rule     = aws_cloudwatch_event_rule.events.name
  arn      = var.hub_bus_arn
  role_arn = aws_iam_role.sender.arn
}

resource "aws_iam_role" "sender" {
  name_prefix = "${var.name}-sender-"
  description = "Sends events to rotd's bus"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "sender" {
  role = aws_iam_role.sender.name
  name = "send"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "events:PutEvents", Resource = var.hub_bus_arn }]
  })
}
