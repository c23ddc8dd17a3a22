using Sendcat.UpstreamEmulator.Markers;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;

namespace Sendcat.UpstreamEmulator.OpenRouter;

/// <summary>The model that answers a request, and the directions for its answer.</summary>
/// <param name="Model">The model.</param>
/// <param name="Directions">The settings of the answer.</param>
/// <param name="Prompt">The text of the user without markers.</param>
/// <param name="Applied">The text of all blocks that were applied.</param>
internal sealed record ChosenModel(CatalogModel Model, Directions Directions, string Prompt, string Applied);

/// <summary>
/// Tries the candidates in order, as OpenRouter does. The first one that does not refuse answers. When all refuse, the last refusal is the
/// response.
/// </summary>
internal sealed class ModelChoice(StandingDirections<Directions> standing, AttemptCounter attempts)
{
    /// <exception cref="FormatException">A marker is not valid.</exception>
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
            if (block.AppliesTo(model, request.Call) && attempts.StillApplies(block, model, request.Conversation))
            {
                block.ApplyTo(directions);
                applied += block.Text;
            }
        }

        return new(ModelCatalog.Find(model), directions, prompt, applied);
    }
}
