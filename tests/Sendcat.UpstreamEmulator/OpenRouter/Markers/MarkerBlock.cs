namespace Sendcat.UpstreamEmulator.OpenRouter.Markers;

/// <summary>One <c>[[emu …]]</c>: settings, and the conditions under which they apply.</summary>
/// <param name="Model">Only this model; a trailing <c>*</c> matches any ending.</param>
/// <param name="Call">Only the nth model call of the turn (1 = before any tool result).</param>
/// <param name="Times">Only the first n attempts of the same call.</param>
/// <param name="Key">What "the same call" is for <paramref name="Times"/>; without it the request's session and messages.</param>
/// <param name="Text">The block as written; part of the identity of its attempts.</param>
internal sealed record MarkerBlock(string? Model, int? Call, int? Times, string? Key, IReadOnlyList<(Marker Marker, string Value)> Settings, string Text)
{
    public bool Concerns(string model, int call) =>
        (Call is null || Call == call)
        && (Model is null || (Model.EndsWith('*') ? model.StartsWith(Model[..^1], StringComparison.OrdinalIgnoreCase) : model.Equals(Model, StringComparison.OrdinalIgnoreCase)));

    public void ApplyTo(Directions directions)
    {
        foreach (var (marker, value) in Settings)
        {
            marker.Apply(directions, value);
        }
    }
}
