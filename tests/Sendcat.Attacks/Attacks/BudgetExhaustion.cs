using System.Text.Json;
using Sendcat.Attacks.Target;

namespace Sendcat.Attacks.Attacks;

/// <summary>Requests the most expensive model as a guest, and long responses in a new session each time.</summary>
internal sealed class BudgetExhaustion : Attack
{
    private const string ExpensiveModel = "openai/o1-pro";
    private const int MaxOutput = 4_096;
    private const int Budget = 60_000;

    /// <summary>Turns of about 4 000 output tokens each, together more than twice the budget.</summary>
    private const int Turns = 30;

    public override byte Number => 6;

    public override string Title => "guests spend the operator's money";

    public override SystemOptions OwnSystem =>
        new() { Knobs = new Dictionary<string, string> { ["CHAT_ADDRESS_TOKENS_PER_DAY"] = "60000" } };

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        await ModelsAsync(run, cancellationToken);
        await BudgetAsync(run, cancellationToken);

        var calls = run.System.Upstreams.Requests
            .Where(request => request.Path.EndsWith("/chat/completions", StringComparison.Ordinal))
            .ToArray();
        run.Check(calls.Length > 0, "the model was called");
        run.Check(
            calls.All(call => MaxTokens(call.Body) is > 0 and <= MaxOutput), $"every call is limited to {MaxOutput} output tokens",
            calls.Select(call => MaxTokens(call.Body)).FirstOrDefault(max => max is not (> 0 and <= MaxOutput)));
        run.Check(
            calls.All(call => call.Body.GetProperty("model").GetString() != ExpensiveModel), "no turn of a guest uses the expensive model");
    }

    private async Task ModelsAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var guest = await run.GuestAsync(Address(0), cancellationToken);
        var thread = await guest.NewThreadAsync(cancellationToken);
        await guest.AddMessageAsync(thread, "[[emu chunks=1 every=0]] think hard", cancellationToken);
        var chosen = await guest.ChatAsync(thread, modelId: ExpensiveModel, cancellationToken: cancellationToken);
        run.Check(chosen is { Status: 403, Code: "forbidden" }, "a model that a guest chooses is refused", chosen);

        var created = await guest.PostAsync("/api/threads", new { modelId = ExpensiveModel }, cancellationToken);
        if (created.Status == 201)
        {
            var other = (string)created.Json["id"]!;
            await guest.AddMessageAsync(other, "[[emu chunks=1 every=0]] think hard", cancellationToken);
            await guest.ChatAsync(other, cancellationToken: cancellationToken);
        }
    }

    private async Task BudgetAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var (served, refused) = (0, 0);
        for (var n = 0; n < Turns && refused < 2; n++)
        {
            var guest = await run.GuestAsync(Address(1), cancellationToken);
            var turn = await guest.RunTurnAsync(
                "[[emu chunks=8 size=2000 every=0 usage=none]] tell me everything", cancellationToken: cancellationToken);
            if (turn.Status == 200)
            {
                served++;
            }
            else
            {
                refused++;
                run.Check(turn is { Status: 429, HasRetryAfter: true }, "a caller without tokens gets a Retry-After of at least 1 s", turn);
            }
        }

        run.Check(
            refused > 0, $"an address has a budget of {Budget} tokens, independent of the number of its sessions",
            $"{served} turns served");
    }

    private static int? MaxTokens(JsonElement body) =>
        body.ValueKind is JsonValueKind.Object && body.TryGetProperty("max_tokens", out var max) && max.TryGetInt32(out var tokens)
            ? tokens
            : null;
}
