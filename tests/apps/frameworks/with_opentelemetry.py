"""The shop that traces with OpenTelemetry, in batches that a thread exports."""

import with_nothing
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("shop")


async def app(scope, receive, send):
    with tracer.start_as_current_span("request"):
        await with_nothing.app(scope, receive, send)
