# What the parameters of ../cloudformation/rotd.yaml say: the reasons are there.

variable "name" {
  description = "The name of what needs one."
  type        = string
  default     = "rotd"
}

variable "mode" {
  description = "What rotd.yaml's mode is at most: observe, propose or enforce."
  type        = string
  default     = "observe"
  validation {
    condition     = contains(["observe", "propose", "enforce"], var.mode)
    error_message = "observe, propose or enforce"
  }
}

variable "management_events" {
  description = "all: every use of a key too, each of which is paid for; changes: what changes something alone."
  type        = string
  default     = "all"
  validation {
    condition     = contains(["all", "changes"], var.management_events)
    error_message = "all or changes"
  }
}

variable "runs_on" {
  description = "Who may assume rotd's role: ecs or ec2."
  type        = string
  default     = "ecs"
  validation {
    condition     = contains(["ecs", "ec2"], var.runs_on)
    error_message = "ecs or ec2"
  }
}

variable "on_call_email" {
  description = "An address for what is HIGH or graver, and for the alarms; empty, none."
  type        = string
  default     = ""
}

variable "notices_email" {
  description = "An address for what is MEDIUM or graver; empty, none."
  type        = string
  default     = ""
}

variable "organization_id" {
  description = "The organization whose accounts send their events here by member/; empty, this account alone."
  type        = string
  default     = ""
}

variable "member_role_name" {
  description = "The role of member/ that rotd assumes in each account."
  type        = string
  default     = "rotd-member"
}

variable "member_emergency_role_name" {
  description = "The role of member/ that rotd assumes there for emergencies."
  type        = string
  default     = "rotd-emergency"
}

variable "trail_bucket" {
  description = "A bucket of this account and Region with a trail's log files, which rotd reads too; empty, none."
  type        = string
  default     = ""
}

variable "trail_prefix" {
  description = "What the names of the log files begin with."
  type        = string
  default     = "AWSLogs/"
}

variable "trail_key_arn" {
  description = "The ARN of the key that the log files are encrypted with; empty, none of your own."
  type        = string
  default     = ""
}
