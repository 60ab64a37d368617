"""What the manual says of itself around what it reads from the code: in English here, in each other language below.

No page of mqadmin says these, so the catalogues of `locale` have none of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils import translation

_CHINESE = {
    "This page is in English only.": "这一页只有英文。",
    # Verdicts
    "Of a queue": "关于队列",
    "Of a broker: its nodes": "关于代理：节点",
    "Of a broker: clients, exchanges, definitions": "关于代理：客户端、交换机、定义",
    "The queue": "orders",  # as pages show it: a name, with a blank around it
    "A deprecated feature of RabbitMQ is in use": "使用了 RabbitMQ 已弃用的特性",
    "`{code}`: {sentence}": "`{code}`：{sentence}",
    "**What to do:** {advice}": "**怎么办：**{advice}",
    "**Buttons:** {buttons}": "**按钮：**{buttons}",
    ", ": "、",
    "Told, where it lasts, by the [rule](alert-rules.md) “{rule}”.": (
        "持续下去时，由[规则](alert-rules.md)“{rule}”通知。"
    ),
    "Captured": "已收存",
    "Delay": "延迟队列",
    "Delayed": "等待延迟重试",
    "Draining": "正在清完",
    "Full prefetch": "预取已满",
    "Idle": "空闲",
    "Leader moved": "leader 已换节点",
    "Made anew": "重新建立",
    "Not reported": "没有统计",
    "Stream": "流",
    "Unseen": "看不到",
    # Rules of alerts
    "rule": "规则",
    "fires": "何时触发",
    "severity": "级别",
    "ends, and is told again": "何时解决，多久再通知",
    "only for": "仅限",
    # Settings
    "Default: {default}. ": "默认值：{default}。",
    "More: [{heading}]({link})": "详见：[{heading}]({link})",
    # Handlers
    "**{title}.** {description}": "**{title}。**{description}",
    "Takes messages in batches: the consumer says how large one is, and how long it waits for more.": (
        "成批接收消息：一批多大、等多久，由消费者的设置决定。"
    ),
    "Nobody chooses it: **Track** on the page of a dead-letter queue starts it.": (
        "不需要选它：在死信队列的页面点击**跟踪**就会启动。"
    ),
    "option": "选项",
    "in the form": "表单中",
    "default": "默认值",
    "may be": "可取值",
    "meaning": "含义",
    " Secret: only who may define consumers sees it.": "机密：只有能定义消费者的人看得到。",
    "text": "文本",
    "whole number": "整数",
    "number": "数字",
    "true or false": "true 或 false",
    "from {bound}": "最小 {bound}",
    "to {bound}": "最大 {bound}",
    ", required": "，必填",
    # Metrics
    "Brokers and the monitor": "代理与监控进程",
    "Queues": "队列",
    "Consumers, their processes and hosts": "消费者、进程与主机",
    "Dead letters": "死信",
    "Alerts": "告警",
    "mqadmin's own work": "mqadmin 自己的工作",
    "metric": "指标",
    "type": "类型",
    "labels": "标签",
    "says": "说明（英文）",
}
WORDS: Mapping[str, Mapping[str, str]] = {"zh-hans": _CHINESE}


def said(text: str) -> str:
    """Return a text in the language that Django has now. Raises KeyError where a language lacks it."""
    words = WORDS.get(translation.get_language() or "")
    return text if words is None else words[text]
