# What there is, for outputs and alarms.
locals {
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
