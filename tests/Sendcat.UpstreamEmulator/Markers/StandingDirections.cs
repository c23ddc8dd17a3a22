using System.Collections.Immutable;

namespace Sendcat.UpstreamEmulator.Markers;

/// <summary>Marker blocks that apply to every request until they are cleared: how a drill makes a provider fail without touching anyone's prompt.</summary>
internal sealed class StandingDirections<T>(MarkerLanguage<T> language)
    where T : new()
{
    private ImmutableArray<MarkerBlock<T>> blocks = [];

    public ImmutableArray<MarkerBlock<T>> Blocks => blocks;

    /// <exception cref="FormatException">Says what cannot be read; nothing is added then.</exception>
    public void Add(string markers)
    {
        var (added, rest) = language.Parse(markers);
        if (added.Count == 0 || rest.Length > 0)
        {
            throw new FormatException("expected one or more [[emu …]] blocks and nothing else");
        }

        foreach (var block in added)
        {
            block.ApplyTo(new T()); // a wrong value is told here, not to the next request
        }

        ImmutableInterlocked.Update(ref blocks, (before, more) => before.AddRange(more), added);
    }

    public void Clear() => ImmutableInterlocked.InterlockedExchange(ref blocks, []);
}

internal static class StandingDirectionsEndpoints
{
    /// <summary>Under <paramref name="root"/>: <c>GET</c>, <c>POST</c> and <c>DELETE directions</c>, and <c>GET markers</c> with every word that a block understands.</summary>
    public static void MapDirections<T>(this WebApplication app, string root)
        where T : new()
    {
        var directions = app.MapGroup(root);
        directions.MapGet("markers", (MarkerLanguage<T> language) => Results.Json(language.Words));
        directions.MapGet("directions", (StandingDirections<T> standing) => Results.Text(string.Join('\n', standing.Blocks.Select(b => b.Text))));
        directions.MapPost("directions", AddAsync<T>);
        directions.MapDelete("directions", (StandingDirections<T> standing) =>
        {
            standing.Clear();
            return Results.NoContent();
        });
    }

    /// <summary>The body is marker blocks as in a prompt: 204, or 400 with what is wrong.</summary>
    private static async Task<IResult> AddAsync<T>(HttpRequest request, StandingDirections<T> standing, CancellationToken cancellationToken)
        where T : new()
    {
        using var reader = new StreamReader(request.Body);
        try
        {
            standing.Add(await reader.ReadToEndAsync(cancellationToken));
            return Results.NoContent();
        }
        catch (FormatException e)
        {
            return Results.Text(e.Message, statusCode: StatusCodes.Status400BadRequest);
        }
    }
}
