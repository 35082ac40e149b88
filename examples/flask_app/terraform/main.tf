# One detector of the shop, written by hand: what `errwatch.bootstrap_alarms()` creates for
# "critical-error", with the same names and values. The shop has six more detectors, five of them
# with an alarm. Each would be another copy of the last two resources.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "sns_topic_arn" {
  description = "ARN of the SNS topic to notify when an alarm fires or returns to OK, or null for none."
  type        = string
  default     = null
}

data "aws_region" "current" {}

locals {
  alarm_actions = var.sns_topic_arn == null ? [] : [var.sns_topic_arn]

  tags = {
    managed-by = "flask-errwatch"
    app        = "shop"
  }
}

resource "aws_cloudwatch_log_group" "shop" {
  name              = "shop"
  log_group_class   = "STANDARD"
  retention_in_days = 90
  tags              = local.tags
}

resource "aws_cloudwatch_log_metric_filter" "critical_error" {
  name           = "shop-critical-error"
  log_group_name = aws_cloudwatch_log_group.shop.name
  pattern        = "{ $.event = \"Critical Error\" }"

  metric_transformation {
    namespace     = "Application Logs"
    name          = "shop-critical-error"
    value         = "1"
    unit          = "Count"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "critical_error" {
  alarm_name          = "shop-critical-error"
  namespace           = aws_cloudwatch_log_metric_filter.critical_error.metric_transformation[0].namespace
  metric_name         = aws_cloudwatch_log_metric_filter.critical_error.metric_transformation[0].name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 10
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions

  alarm_description = join("\n", [
    "The app crashed, or responded that it failed. Its lines say \"Critical Error\" in log group shop.",
    "First: open its newest lines and see what they share: a path, a client_ip, a release.",
    "Lines: https://${data.aws_region.current.id}.console.aws.amazon.com/cloudwatch/home?region=${data.aws_region.current.id}#logsV2:logs-insights$3FqueryDetail$3D$257E$2528end$257E0$257Estart$257E-10800$257EtimeType$257E$2527RELATIVE$257Eunit$257E$2527seconds$257EeditorString$257E$2527filter*20event*20*3d*20*22Critical*20Error*22*0a*7c*20sort*20*40timestamp*20desc*0a*7c*20limit*20100$257Esource$257E$2528$257E$2527shop$2529$2529",
    "managed-by=flask-errwatch app=shop",
  ])

  tags = local.tags
}
