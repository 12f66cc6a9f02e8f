variable "name" {
  description = "Name of the cluster and of its private DNS namespace, <name>.internal."
  type        = string
}

variable "vpc_id" {
  description = "VPC in which the names are known."
  type        = string
}
