using System.Collections.Immutable;

namespace Sendcat.UpstreamEmulator.Markers;

/// <summary>
/// Marker blocks that apply to every request until they are cleared. With them a test makes a provider fail without changing a prompt.
/// </summary>
internal sealed class StandingDirections<T>(MarkerLanguage<T> language)
    where T : new()
{
    private ImmutableArray<MarkerBlock<T>> _blocks = [];

    public ImmutableArray<MarkerBlock<T>> Blocks => _blocks;

    /// <exception cref="FormatException">The markers are not valid. The message describes the error, and no block is added.</exception>
    public void Add(string markers)
    {
        var (added, rest) = language.Parse(markers);
        if (added.Count == 0 || rest.Length > 0)
        {
            throw new FormatException("expected one or more [[emu …]] blocks and nothing else");
        }

        foreach (var block in added)
        {
            block.ApplyTo(new T()); // reports an invalid value to this caller, not to the next request
        }

        ImmutableInterlocked.Update(ref _blocks, (before, more) => before.AddRange(more), added);
    }

    public void Clear() => ImmutableInterlocked.InterlockedExchange(ref _blocks, []);
}

internal static class StandingDirectionsEndpoints
{
    /// <summary>
    /// Maps, under <paramref name="root"/>: <c>GET</c>, <c>POST</c> and <c>DELETE directions</c>, and <c>GET markers</c>,
    /// which returns every name that a block may contain.
    /// </summary>
    public static void MapDirections<T>(this WebApplication app, string root)
        where T : new()
    {
        var directions = app.MapGroup(root);
        directions.MapGet("markers", (MarkerLanguage<T> language) => Results.Json(language.Names));
        directions.MapGet(
            "directions", (StandingDirections<T> standing) => Results.Text(string.Join('\n', standing.Blocks.Select(b => b.Text))));
        directions.MapPost("directions", AddAsync<T>);
        directions.MapDelete("directions", (StandingDirections<T> standing) =>
        {
            standing.Clear();
            return Results.NoContent();
        });
    }

    /// <summary>Adds the marker blocks of the request body. Responds with 204, or with 400 and the error message.</summary>
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
