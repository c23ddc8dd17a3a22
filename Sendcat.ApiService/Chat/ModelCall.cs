using Sendcat.ApiService.Providers;

namespace Sendcat.ApiService.Chat;

/// <summary>One model call while it is heard: what was asked for, how long it took. What was said is on the <see cref="TurnRecord"/>.</summary>
internal sealed class ModelCall(string? requestedModel, TimeProvider time)
{
    private readonly List<ProviderToolCall> toolCalls = [];
    private readonly long startedAt = time.GetTimestamp();
    private TimeSpan? firstToken;
    private string? model = requestedModel;

    public IReadOnlyList<ProviderToolCall> ToolCalls => toolCalls;

    public ProviderEvent.Finished? Finished { get; private set; }

    public string? RouteId { get; private set; }

    /// <returns>What the reader is told of it, if anything.</returns>
    public ChatEvent? Hear(ProviderEvent heard, int step)
    {
        if (heard is not ProviderEvent.RouteChosen and not ProviderEvent.Finished)
        {
            firstToken ??= time.GetElapsedTime(startedAt);
        }

        switch (heard)
        {
            case ProviderEvent.RouteChosen route:
                (RouteId, model) = (route.RouteId, route.Model);
                return new ChatEvent.ProviderRoute(route.ProviderId, route.RouteId, route.ModelClass, route.Model, step);
            case ProviderEvent.Text said:
                return new ChatEvent.Content(said.Delta);
            case ProviderEvent.Reasoning thought:
                return new ChatEvent.Reasoning(thought.Delta);
            case ProviderEvent.ToolCallStarted tool:
                return new ChatEvent.ToolInputStart(tool.Id, tool.Name);
            case ProviderEvent.ToolCallDelta delta:
                return new ChatEvent.ToolInputDelta(delta.Id, delta.ArgumentsDelta);
            case ProviderEvent.ToolCallReady ready:
                toolCalls.Add(ready.Call);
                return null;
            case ProviderEvent.Finished finished:
                Finished = finished;
                model = finished.Model ?? model;
                return null;
            default:
                return null;
        }
    }

    public CallMetrics Metrics() => new(
        (long)time.GetElapsedTime(startedAt).TotalMilliseconds, (long?)firstToken?.TotalMilliseconds, model ?? "unknown", Finished?.Reason);
}
