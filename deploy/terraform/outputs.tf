output "queue_url" {
  value = aws_sqs_queue.queue.url
}

output "on_call_topic_arn" {
  value = aws_sns_topic.on_call.arn
}

output "notices_topic_arn" {
  value = aws_sns_topic.notices.arn
}

output "role_arn" {
  description = "rotd_role_arn of member/"
  value       = aws_iam_role.role.arn
}

output "emergency_role_arn" {
  value = aws_iam_role.emergency_role.arn
}

output "bus_arn" {
  description = "hub_bus_arn of member/"
  value       = one(aws_cloudwatch_event_bus.bus[*].arn)
}
