using System.Text.Json;

namespace Sendcat.ApiService.Shopping.Favorites;

/// <summary>A product or brand that a user wants to find again, as it looked then.</summary>
internal sealed class Favorite
{
    public required Guid Id { get; init; }

    public required string UserId { get; init; }

    /// <summary>Null: in no list.</summary>
    public Guid? ListId { get; init; }

    /// <summary><c>product</c> or <c>brand</c>.</summary>
    public required string Type { get; init; }

    /// <summary>What the shop calls it.</summary>
    public required string ExternalId { get; init; }

    /// <summary>The whole object as the client showed it.</summary>
    public required JsonElement Item { get; init; }

    public DateTimeOffset CreatedAt { get; init; }
}

internal sealed class FavoriteList
{
    public required Guid Id { get; init; }

    public required string UserId { get; init; }

    public required string Name { get; set; }

    public DateTimeOffset CreatedAt { get; init; }
}
