using System.Text.Json;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Shopping.Favorites;

internal sealed record FavoriteView(Guid Id, Guid? ListId, string Type, string ExternalId, JsonElement Item, DateTime CreatedAt)
{
    public static FavoriteView Of(Favorite favorite) =>
        new(favorite.Id, favorite.ListId, favorite.Type, favorite.ExternalId, favorite.Item, favorite.CreatedAt.UtcDateTime);
}

/// <summary>Enough to draw hearts.</summary>
internal sealed record FavoriteMark(Guid Id, string ExternalId, Guid? ListId, string Type);

internal sealed record FavoriteListView(Guid Id, string Name, int Count, DateTime CreatedAt);

internal sealed record FavoriteListName(string? Name) : IValidatable
{
    public const int Longest = 100;

    public IEnumerable<string> Problems() => StoredText.Says(Name, Longest) ? [] : [$"name must have 1 to {Longest} characters"];
}

/// <param name="Item">A JSON object of at most 16 384 characters.</param>
internal sealed record FavoriteToggling(Guid? ListId, string? Type, string? ExternalId, JsonElement? Item) : IValidatable
{
    private const int LargestItem = 16_384;

    /// <summary>Characters; an index holds it beside the owner and the list.</summary>
    private const int LongestId = 512;

    public IEnumerable<string> Problems()
    {
        if (Type is not ("product" or "brand"))
        {
            yield return "type must be product or brand";
        }

        if (!StoredText.Says(ExternalId, LongestId))
        {
            yield return $"externalId must have 1 to {LongestId} characters";
        }

        if (Item is not { } item || !StoredJson.IsObject(item, LargestItem))
        {
            yield return $"item must be an object of at most {LargestItem} characters";
        }
    }
}

/// <param name="Action"><c>added</c> or <c>removed</c>.</param>
internal sealed record FavoriteToggled(string Action, Guid Id);
