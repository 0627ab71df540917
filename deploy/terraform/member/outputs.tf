output "events_rule_arn" {
  value = aws_cloudwatch_event_rule.events.arn
}
