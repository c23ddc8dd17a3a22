using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text;
using Sendcat.ApiService.Providers.Catalogue;

namespace Sendcat.ApiService.Providers;

/// <summary>
/// Spans and metrics of model calls under the name <c>Sendcat.GenAI</c>. They follow the GenAI conventions of semantic-conventions 1.41,
/// the last release that contains them. Message content is recorded only when <see cref="ContentCapture"/> is on. Metric tags are closed
/// sets: a model id that is not in the built-in table is recorded as <c>other</c>.
/// </summary>
internal sealed class GenAiTelemetry : IDisposable
{
    public const string Name = "Sendcat.GenAI";

    private static readonly ActivitySource Source = new(Name);

    private readonly Meter _meter;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _firstChunk;
    private readonly Histogram<long> _tokens;
    private readonly TimeProvider _time;
    private readonly ContentCapture _capture;

    public GenAiTelemetry(IMeterFactory meters, TimeProvider time, ContentCapture capture)
    {
        (_time, _capture) = (time, capture);
        _meter = meters.Create(Name);
        var seconds = new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
        };
        var counts = new InstrumentAdvice<long>
        {
            HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576],
        };
        _duration = _meter.CreateHistogram(
            "gen_ai.client.operation.duration", "s", "Duration of a model call until its stream ended", null, seconds);
        _firstChunk = _meter.CreateHistogram(
            "gen_ai.client.operation.time_to_first_chunk", "s", "Time until the first token of a model call", null, seconds);
        _tokens = _meter.CreateHistogram("gen_ai.client.token.usage", "{token}", "Tokens of a model call", null, counts);
    }

    /// <summary>
    /// Starts the telemetry of a call. Disposing ends it; without a finish event or a failure it ends as <c>cancelled</c>.
    /// </summary>
    public Operation Start(ProviderRequest request, ProviderRoute first) => new(this, request, first);

    public void Dispose() => _meter.Dispose();

    /// <summary>The telemetry of one model call, all its attempts included.</summary>
    internal sealed class Operation : IDisposable
    {
        private readonly GenAiTelemetry _telemetry;
        private readonly Activity? _span;
        private readonly CapturedResponse? _captured;
        private readonly string _requestModel;
        private readonly long _started;
        private double? _firstChunk;
        private string? _error = "cancelled";
        private string _finishReason = "error";
        private ProviderUsage? _usage;

        public Operation(GenAiTelemetry telemetry, ProviderRequest request, ProviderRoute first)
        {
            _telemetry = telemetry;
            _requestModel = first.Model;
            _started = telemetry._time.GetTimestamp();
            if (!Source.HasListeners())
            {
                return;
            }

            _span = Source.StartActivity($"chat {first.Model}", ActivityKind.Client);
            if (_span is { IsAllDataRequested: true } span)
            {
                span.SetTag("gen_ai.operation.name", "chat");
                span.SetTag("gen_ai.provider.name", ProviderFaults.ProviderId);
                span.SetTag("gen_ai.request.model", first.Model);
                span.SetTag("gen_ai.request.stream", true);
                span.SetTag("gen_ai.request.max_tokens", first.MaxOutputTokens);
                span.SetTag("gen_ai.conversation.id", request.ThreadId);
                span.SetTag("sendcat.stream.id", request.StreamId);
                span.SetTag("sendcat.message.id", request.MessageId);
                if (Uri.TryCreate(first.BaseUrl, UriKind.Absolute, out var address))
                {
                    span.SetTag("server.address", address.Host);
                    span.SetTag("server.port", address.Port);
                }

                if (telemetry._capture.IsOn)
                {
                    _captured = new();
                    span.SetTag("gen_ai.input.messages", GenAiContent.Input(request.Messages));
                }
            }
        }

        /// <summary>
        /// Makes the span of this operation the current activity, so that the spans of the call become its children. Each read of the
        /// stream runs in the execution context of its caller. Therefore call this method before every read, inside a separate async
        /// method.
        /// </summary>
        public void Enter()
        {
            if (_span is not null)
            {
                Activity.Current = _span;
            }
        }

        /// <summary>Records the system prompts and tools that were sent to a route, when content capture is on.</summary>
        public void RecordRequest(IReadOnlyList<string> prompts, IReadOnlyList<ToolDeclaration> tools)
        {
            if (_captured is not null)
            {
                _span!.SetTag("gen_ai.system_instructions", GenAiContent.Instructions(prompts));
                _span.SetTag("gen_ai.tool.definitions", GenAiContent.Tools(tools));
            }
        }

        /// <param name="responseId">The provider's id of the response; null: unknown.</param>
        public void RecordEvent(ProviderEvent providerEvent, string? responseId)
        {
            _captured?.Add(providerEvent);
            switch (providerEvent)
            {
                case ProviderEvent.RouteChosen route:
                    _span?.SetTag("sendcat.route", route.RouteId);
                    break;
                case ProviderEvent.FileLeftOut:
                    break;
                case ProviderEvent.Finished finished:
                    _error = null;
                    _finishReason = finished.Reason;
                    _usage = finished.Usage;
                    if (_span is { IsAllDataRequested: true } span)
                    {
                        span.SetTag("gen_ai.response.finish_reasons", new[] { finished.Reason });
                        span.SetTag("gen_ai.response.model", finished.Model);
                        span.SetTag("gen_ai.response.id", responseId);
                    }

                    break;
                default:
                    _firstChunk ??= _telemetry._time.GetElapsedTime(_started).TotalSeconds;
                    break;
            }
        }

        public void RecordFailure(ProviderException failure)
        {
            _error = failure.Error.Code;
            _usage = failure.Usage;
        }

        public void Dispose()
        {
            var duration = _telemetry._time.GetElapsedTime(_started).TotalSeconds;
            if (_span is not null)
            {
                EndSpan(_span);
            }

            var tags = new TagList
            {
                { "gen_ai.operation.name", "chat" },
                { "gen_ai.provider.name", ProviderFaults.ProviderId },
                { "gen_ai.request.model", ModelTable.CapabilityOf(_requestModel) is null ? "other" : _requestModel },
            };
            RecordUsage(tags);
            if (_firstChunk is { } firstChunk)
            {
                _telemetry._firstChunk.Record(firstChunk, tags);
            }

            if (_error is not null)
            {
                tags.Add("error.type", _error);
            }

            _telemetry._duration.Record(duration, tags);
        }

        private void RecordUsage(TagList tags)
        {
            if (_usage is null || !_telemetry._tokens.Enabled)
            {
                return;
            }

            tags.Add("gen_ai.token.type", "input");
            _telemetry._tokens.Record(_usage.PromptTokens, tags);
            tags[tags.Count - 1] = new KeyValuePair<string, object?>("gen_ai.token.type", "output");
            _telemetry._tokens.Record(_usage.CompletionTokens, tags);
        }

        private void EndSpan(Activity span)
        {
            if (span.IsAllDataRequested)
            {
                span.SetTag("gen_ai.response.time_to_first_chunk", _firstChunk);
                span.SetTag("gen_ai.usage.input_tokens", _usage?.PromptTokens);
                span.SetTag("gen_ai.usage.output_tokens", _usage?.CompletionTokens);
                span.SetTag("gen_ai.usage.cache_read.input_tokens", _usage?.CachedTokens);
                span.SetTag("gen_ai.usage.reasoning.output_tokens", _usage?.ReasoningTokens);
                span.SetTag("gen_ai.output.messages", _captured?.ToJson(_finishReason));
                if (_error is not null)
                {
                    span.SetTag("error.type", _error);
                    span.SetStatus(ActivityStatusCode.Error);
                }
            }

            span.Dispose();
        }
    }

    /// <summary>Collects the response of the model while content capture is on.</summary>
    private sealed class CapturedResponse
    {
        private readonly StringBuilder _text = new();
        private readonly StringBuilder _reasoning = new();
        private readonly List<ProviderToolCall> _calls = [];

        public void Add(ProviderEvent providerEvent)
        {
            switch (providerEvent)
            {
                case ProviderEvent.Text text:
                    _text.Append(text.Delta);
                    break;
                case ProviderEvent.Reasoning thought:
                    _reasoning.Append(thought.Delta);
                    break;
                case ProviderEvent.ToolCallReady ready:
                    _calls.Add(ready.Call);
                    break;
                default:
                    break;
            }
        }

        public string ToJson(string finishReason) => GenAiContent.Output(_text.ToString(), _reasoning.ToString(), _calls, finishReason);
    }
}
