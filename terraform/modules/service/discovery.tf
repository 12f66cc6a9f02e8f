resource "aws_service_discovery_service" "this" {
  count = var.found_by_name ? 1 : 0

  name          = var.name
  description   = "Tasks of ${var.name}"
  force_destroy = true # a task that ended a moment ago may still be registered

  dns_config {
    namespace_id   = var.common.cluster.namespace_id
    routing_policy = "MULTIVALUE"

    dns_records {
      type = "A"
      ttl  = 10
    }
  }

  # ECS tells it which tasks are healthy. An empty block would be lost, and a change at every plan:
  # https://github.com/hashicorp/terraform-provider-aws/issues/44285
  health_check_custom_config {
    failure_threshold = 1
  }
}
