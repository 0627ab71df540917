# What the parameters of ../../cloudformation/member.yaml say: the reasons are there.

variable "name" {
  description = "The name of what needs one."
  type        = string
  default     = "rotd"
}

variable "hub_bus_arn" {
  description = "bus_arn of the hub's module, or BusArn of its stack."
  type        = string
  validation {
    condition     = can(regex("^arn:[^:]+:events:[^:]+:[0-9]{12}:event-bus/.+$", var.hub_bus_arn))
    error_message = "the ARN of an event bus"
  }
}

variable "rotd_role_arn" {
  description = "role_arn of the hub's module, or RoleArn of its stack."
  type        = string
  validation {
    condition     = can(regex("^arn:[^:]+:iam::[0-9]{12}:role/.+$", var.rotd_role_arn))
    error_message = "the ARN of a role"
  }
}

variable "external_id" {
  description = "organization.external_id of rotd.yaml, told when the roles are assumed."
  type        = string
  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@:/-]{2,}$", var.external_id)) && length(var.external_id) <= 1224
    error_message = "2 to 1224 letters, digits and +=,.@:/-"
  }
}

variable "roles" {
  description = "none, observe, act, observe-and-emergency or act-and-emergency. none, in the hub's own account."
  type        = string
  default     = "observe"
  validation {
    condition     = contains(["none", "observe", "act", "observe-and-emergency", "act-and-emergency"], var.roles)
    error_message = "none, observe, act, observe-and-emergency or act-and-emergency"
  }
}

variable "roles_region" {
  description = "The one Region in which this module makes the roles."
  type        = string
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

variable "member_role_name" {
  description = "organization.role_name of rotd.yaml."
  type        = string
  default     = "rotd-member"
}

variable "member_emergency_role_name" {
  description = "organization.emergency_role_name of rotd.yaml."
  type        = string
  default     = "rotd-emergency"
}
