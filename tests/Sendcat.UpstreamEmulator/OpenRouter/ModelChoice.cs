using Sendcat.UpstreamEmulator.Markers;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;

namespace Sendcat.UpstreamEmulator.OpenRouter;

/// <param name="Prompt">The user's text without markers.</param>
/// <param name="Applied">The blocks that make up the directions, as written.</param>
internal sealed record ChosenModel(CatalogModel Model, Directions Directions, string Prompt, string Applied);

/// <summary>Tries the candidates in order as OpenRouter does: the first that does not refuse answers, and the last refusal is told when all do.</summary>
internal sealed class ModelChoice(StandingDirections<Directions> standing, AttemptLedger attempts)
{
    /// <exception cref="FormatException">A marker cannot be read.</exception>
    public ChosenModel For(ChatCompletionRequest request)
    {
        var (blocks, prompt) = ChatMarkers.Language.Parse(request.UserText);
        ChosenModel? chosen = null;
        foreach (var candidate in request.Candidates)
        {
            chosen = Direct(candidate, request, blocks, prompt);
            if (chosen.Directions.Status is null)
            {
                break;
            }
        }

        return chosen!;
    }

    private ChosenModel Direct(string model, ChatCompletionRequest request, IReadOnlyList<MarkerBlock<Directions>> own, string prompt)
    {
        var directions = new Directions();
        var applied = "";
        foreach (var block in ModelPresets.For(model).Concat(standing.Blocks).Concat(own))
        {
            if (block.Concerns(model, request.Call) && attempts.StillApplies(block, model, request.Conversation))
            {
                block.ApplyTo(directions);
                applied += block.Text;
            }
        }

        return new(ModelCatalog.Find(model), directions, prompt, applied);
    }
}
