resource "aws_cloudwatch_metric_alarm" "queue_waits" {
  alarm_name          = "${var.name}-queue-waits"
  alarm_description   = "rotd's oldest event waits for over 15 minutes. See rotd status."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.queue.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = 900
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.on_call.arn]
  ok_actions          = [aws_sns_topic.on_call.arn]
}

resource "aws_cloudwatch_metric_alarm" "dead_letters_wait" {
  alarm_name          = "${var.name}-dead-letters-wait"
  alarm_description   = "Messages lie in rotd's dead-letter queue. See rotd quarantine list."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.on_call.arn]
  ok_actions          = [aws_sns_topic.on_call.arn]
}

resource "aws_cloudwatch_metric_alarm" "nobody_receives" {
  alarm_name          = "${var.name}-nobody-receives"
  alarm_description   = "Nobody asks rotd's queue for events. rotd is not running, or cannot reach SQS."
  evaluation_periods  = 2
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.on_call.arn]
  ok_actions          = [aws_sns_topic.on_call.arn]
  metric_query {
    id          = "asked"
    expression  = "FILL(empty, 0) + FILL(received, 0)"
    return_data = true
  }
  metric_query {
    id = "empty"
    metric {
      namespace   = "AWS/SQS"
      metric_name = "NumberOfEmptyReceives"
      dimensions  = { QueueName = aws_sqs_queue.queue.name }
      stat        = "Sum"
      period      = 300
    }
  }
  metric_query {
    id = "received"
    metric {
      namespace   = "AWS/SQS"
      metric_name = "NumberOfMessagesReceived"
      dimensions  = { QueueName = aws_sqs_queue.queue.name }
      stat        = "Sum"
      period      = 300
    }
  }
}
