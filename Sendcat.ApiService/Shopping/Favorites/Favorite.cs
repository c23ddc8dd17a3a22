using System.Text.Json;

namespace Sendcat.ApiService.Shopping.Favorites;

/// <summary>A product or brand that a user saved, with the data of that time.</summary>
internal sealed class Favorite
{
    public required Guid Id { get; init; }

    public required string UserId { get; init; }

    /// <summary>Null: the favourite is in no list.</summary>
    public Guid? ListId { get; init; }

    /// <summary><c>product</c> or <c>brand</c>.</summary>
    public required string Type { get; init; }

    /// <summary>Id of the product or brand in the shop.</summary>
    public required string ExternalId { get; init; }

    /// <summary>The whole object as the client sent it.</summary>
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
