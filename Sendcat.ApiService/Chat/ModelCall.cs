using Sendcat.ApiService.Providers;

namespace Sendcat.ApiService.Chat;

/// <summary>One model call while it is heard: what was asked for, how long it took, what it cost. What was said is on the <see cref="TurnRecord"/>.</summary>
/// <param name="askedCharacters">Of the conversation that the model was told.</param>
internal sealed class ModelCall(string? requestedModel, int askedCharacters, TimeProvider time)
{
    /// <summary>What a token of English prose is taken for when nobody counted: an aborted answer is paid for, too.</summary>
    public const int CharactersPerToken = 4;

    /// <summary>No call costs as much; a larger figure is not believed.</summary>
    private const decimal MostDollars = 1_000;

    private readonly List<ProviderToolCall> toolCalls = [];
    private readonly long startedAt = time.GetTimestamp();
    private TimeSpan? firstToken;
    private string? model = requestedModel;
    private string? routed;
    private int heardCharacters;

    public IReadOnlyList<ProviderToolCall> ToolCalls => toolCalls;

    public ProviderEvent.Finished? Finished { get; private set; }

    public string? RouteId { get; private set; }

    /// <summary>Of prompt and answer: as the provider counted, else by their length. None before a provider had answered at all.</summary>
    public long Tokens => RouteId is null ? 0 : Finished?.Usage?.TotalTokens ?? (askedCharacters + heardCharacters) / CharactersPerToken;

    /// <summary>What it cost, in millionths of a dollar: as the provider said, else by the price of its model. None before a provider had answered at all.</summary>
    public long MicroUsd(ModelPrices prices) =>
        routed is null ? 0
        : Finished?.Usage?.Cost is { } dollars and >= 0 and < MostDollars ? (long)decimal.Ceiling(dollars * 1_000_000)
        : (long)decimal.Ceiling(prices.Of(routed).MicroUsd(
            Finished?.Usage?.PromptTokens ?? askedCharacters / CharactersPerToken, Finished?.Usage?.CompletionTokens ?? heardCharacters / CharactersPerToken));

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
                (RouteId, model, routed) = (route.RouteId, route.Model, route.Model);
                return new ChatEvent.ProviderRoute(route.ProviderId, route.RouteId, route.ModelClass, route.Model, step);
            case ProviderEvent.Text said:
                heardCharacters += said.Delta.Length;
                return new ChatEvent.Content(said.Delta);
            case ProviderEvent.Reasoning thought:
                heardCharacters += thought.Delta.Length;
                return new ChatEvent.Reasoning(thought.Delta);
            case ProviderEvent.ToolCallStarted tool:
                return new ChatEvent.ToolInputStart(tool.Id, tool.Name);
            case ProviderEvent.ToolCallDelta delta:
                heardCharacters += delta.ArgumentsDelta.Length;
                return new ChatEvent.ToolInputDelta(delta.Id, delta.ArgumentsDelta);
            case ProviderEvent.ToolCallReady ready:
                // What cannot be parsed stays the model's text; a tool answers it as such.
                toolCalls.Add(OneLineJson.Of(ready.Call.ArgumentsJson) is { } arguments ? ready.Call with { ArgumentsJson = arguments } : ready.Call);
                return null;
            case ProviderEvent.Finished finished:
                Finished = finished;
                model = finished.Model ?? model;
                return null;
            default:
                return null;
        }
    }

    /// <summary>The answer grew longer than a turn may be: it ends here, as one whose model ran out of tokens would.</summary>
    public void CutOff() => Finished = new ProviderEvent.Finished("length", null, model, null);

    public CallMetrics Metrics() => new(
        (long)time.GetElapsedTime(startedAt).TotalMilliseconds, (long?)firstToken?.TotalMilliseconds, model ?? "unknown", Finished?.Reason);
}
