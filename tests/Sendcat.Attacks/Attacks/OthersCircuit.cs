using System.Text.Json.Nodes;

namespace Sendcat.Attacks.Attacks;

/// <summary>Asks again and again for a model of its own choice that is out of quota.</summary>
internal sealed class OthersCircuit : Attack
{
    private const string Chosen = "openai/gpt-4o-mini";
    private const int Turns = 12;

    public override byte Number => 4;

    public override string Title => "a chosen model opens the circuit for everybody";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var attacker = await run.UserAsync(Address(0), cancellationToken);
        var thread = await attacker.NewThreadAsync(cancellationToken);
        for (var n = 0; n < Turns; n++)
        {
            await attacker.SayAsync(thread, $"[[emu model={Chosen} status=429 retry-after=1]] [[emu chunks=1 every=0]] {n}", cancellationToken);
            await attacker.ChatAsync(thread, modelId: Chosen, cancellationToken: cancellationToken);
        }

        var health = await run.Operator(Address(1)).GetAsync("/api/chat/health", cancellationToken);
        var circuits = health.Expected().Json["circuits"]!.AsArray();
        var open = circuits.Where(circuit => ((string)circuit!["provider"]!).StartsWith("openrouter", StringComparison.Ordinal) && (string)circuit!["state"]! != "closed").ToArray();
        run.Check(open.Length == 0, "no circuit opens by what one caller chose", new JsonArray([.. open.Select(circuit => circuit!.DeepClone())]));
    }
}
