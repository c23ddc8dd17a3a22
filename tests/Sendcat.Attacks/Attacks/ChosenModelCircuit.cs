using System.Text.Json.Nodes;

namespace Sendcat.Attacks.Attacks;

/// <summary>Requests a model of its own choice repeatedly. The model is out of quota.</summary>
internal sealed class ChosenModelCircuit : Attack
{
    private const string ChosenModel = "openai/gpt-4o-mini";
    private const int Turns = 12;

    public override byte Number => 4;

    public override string Title => "a model that one caller chose opens the circuit for all callers";

    public override async Task RunAsync(AttackRun run, CancellationToken cancellationToken)
    {
        var attacker = await run.UserAsync(Address(0), cancellationToken);
        var thread = await attacker.NewThreadAsync(cancellationToken);
        for (var n = 0; n < Turns; n++)
        {
            await attacker.AddMessageAsync(
                thread, $"[[emu model={ChosenModel} status=429 retry-after=1]] [[emu chunks=1 every=0]] {n}", cancellationToken);
            await attacker.ChatAsync(thread, modelId: ChosenModel, cancellationToken: cancellationToken);
        }

        var health = await run.Operator(Address(1)).GetAsync("/api/chat/health", cancellationToken);
        var circuits = health.EnsureSuccess().Json["circuits"]!.AsArray();
        var open = circuits.Where(
            circuit => ((string)circuit!["provider"]!).StartsWith("openrouter", StringComparison.Ordinal)
                && (string)circuit!["state"]! != "closed").ToArray();
        run.Check(
            open.Length == 0, "the failures of a chosen model open no circuit",
            new JsonArray([.. open.Select(circuit => circuit!.DeepClone())]));
    }
}
