# One detector of the shop, written by hand: what `errwatch.bootstrap_alarms()` creates for
# "critical-error", with the same names and values. The shop has six more detectors, of which
# five have an alarm; here each would be another copy of the last two resources.

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
  description = "Topic that is told when the alarm goes off and when it is over; null means none."
  type        = string
  default     = null
}

locals {
  alarm_actions = var.sns_topic_arn == null ? [] : [var.sns_topic_arn]
}

resource "aws_cloudwatch_log_group" "shop" {
  name              = "shop"
  log_group_class   = "STANDARD"
  retention_in_days = 90
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
  alarm_description   = "The app crashed, or answered that it could not do its work."
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
}
