using System.Text.Json;
using Sendcat.Attacks.Stage;

namespace Sendcat.Attacks.Attacks;

/// <summary>Asks for the dearest model as a guest, and for answers without end in one new session after the other.</summary>
internal sealed class OperatorsMoney : Attack
{
    private const string Dear = "openai/o1-pro";
    private const int MaxOutput = 4_096;
    private const int Budget = 60_000;

    /// <summary>About 4 000 tokens of answer each: more than twice the budget.</summary>
    private const int Turns = 30;

    public override byte Number => 6;

    public override string Title => "guests spend the operator's money";

    public override SystemOptions Own => new() { Knobs = new Dictionary<string, string> { ["CHAT_ADDRESS_TOKENS_PER_DAY"] = "60000" } };

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        await ModelsAsync(run, cancellationToken);
        await BudgetAsync(run, cancellationToken);

        var calls = run.System.Upstreams.Requests.Where(request => request.Path.EndsWith("/chat/completions", StringComparison.Ordinal)).ToArray();
        run.Check(calls.Length > 0, "the model was asked");
        run.Check(calls.All(call => MaxTokens(call.Body) is > 0 and <= MaxOutput), $"every call is limited to {MaxOutput} tokens of answer", calls.Select(call => MaxTokens(call.Body)).FirstOrDefault(max => max is not (> 0 and <= MaxOutput)));
        run.Check(calls.All(call => call.Body.GetProperty("model").GetString() != Dear), "no guest's turn reaches the dear model");
    }

    private async Task ModelsAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var guest = await run.GuestAsync(Address(0), cancellationToken);
        var thread = await guest.NewThreadAsync(cancellationToken);
        await guest.SayAsync(thread, "[[emu chunks=1 every=0]] think hard", cancellationToken);
        var asked = await guest.ChatAsync(thread, modelId: Dear, cancellationToken: cancellationToken);
        run.Check(asked is { Status: 403, Code: "forbidden" }, "a guest's chosen model is refused", asked);

        var made = await guest.PostAsync("/api/threads", new { modelId = Dear }, cancellationToken);
        if (made.Status == 201)
        {
            var other = (string)made.Json["id"]!;
            await guest.SayAsync(other, "[[emu chunks=1 every=0]] think hard", cancellationToken);
            await guest.ChatAsync(other, cancellationToken: cancellationToken);
        }
    }

    private async Task BudgetAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var (served, refused) = (0, 0);
        for (var n = 0; n < Turns && refused < 2; n++)
        {
            var guest = await run.GuestAsync(Address(1), cancellationToken);
            var turn = await guest.AskAsync("[[emu chunks=8 size=2000 every=0 usage=none]] tell me everything", cancellationToken: cancellationToken);
            if (turn.Status == 200)
            {
                served++;
            }
            else
            {
                refused++;
                run.Check(turn is { Status: 429, SaysWhen: true }, "who has no tokens left learns when to come back", turn);
            }
        }

        run.Check(refused > 0, $"an address has a budget of {Budget} tokens, however many sessions it makes", $"{served} turns served");
    }

    private static int? MaxTokens(JsonElement body) =>
        body.ValueKind is JsonValueKind.Object && body.TryGetProperty("max_tokens", out var max) && max.TryGetInt32(out var tokens) ? tokens : null;
}
