# What the files of single services share, and what there is in the end, for outputs and alarms.
locals {
  image     = "${module.registry.url}:${var.image_tag}"
  log_group = "/celec/${var.environment}"

  tasks = {
    repository_arn     = module.registry.arn
    boundary_arn       = aws_iam_policy.boundary.arn
    log_prefix         = local.log_group
    log_retention_days = var.log_retention_days
  }

  services = {
    prefix     = local.name
    cluster    = { arn = module.cluster.arn, name = module.cluster.name, namespace_id = module.cluster.namespace_id }
    subnet_ids = module.network.public_subnet_ids
    started    = var.started
    night      = var.night
  }

  service_task_definitions = merge(
    {
      (module.webserver.name)     = module.webserver_task.definition_arn
      (module.orchestration.name) = module.orchestration_task.definition_arn
      (module.pages.name)         = module.pages_task.definition_arn
    },
    { for service in module.jupyter : service.name => module.jupyter_task[0].definition_arn },
  )

  log_groups = merge(
    module.webserver_task.log_group_names,
    module.orchestration_task.log_group_names,
    module.pages_task.log_group_names,
    module.run.log_group_names,
    module.database_task.log_group_names,
    merge([for task in module.jupyter_task : task.log_group_names]...),
  )
}
