using System.Text.Json;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Shopping.Favorites;

internal sealed record FavoriteView(Guid Id, Guid? ListId, string Type, string ExternalId, JsonElement Item, DateTime CreatedAt)
{
    public static FavoriteView Of(Favorite favorite) =>
        new(favorite.Id, favorite.ListId, favorite.Type, favorite.ExternalId, favorite.Item, favorite.CreatedAt.UtcDateTime);
}

/// <summary>A favourite without its item. Clients need no more to mark favourites in a list.</summary>
internal sealed record FavoriteMark(Guid Id, string ExternalId, Guid? ListId, string Type);

internal sealed record FavoriteListView(Guid Id, string Name, int Count, DateTime CreatedAt);

internal sealed record FavoriteListName(string? Name) : IValidatable
{
    /// <summary>Maximum characters of a name.</summary>
    public const int Longest = 100;

    public IEnumerable<string> Problems() => StoredText.HasText(Name, Longest) ? [] : [$"name must have 1 to {Longest} characters"];
}

/// <summary>The request to add or remove a favourite.</summary>
/// <param name="ListId">Null: the favourite is in no list.</param>
/// <param name="Item">A JSON object of at most 16 384 characters.</param>
internal sealed record FavoriteToggling(Guid? ListId, string? Type, string? ExternalId, JsonElement? Item) : IValidatable
{
    private const int MaxItemLength = 16_384;

    /// <summary>Maximum characters. A unique index contains the id together with the user and the list.</summary>
    private const int MaxIdLength = 512;

    public IEnumerable<string> Problems()
    {
        if (Type is not ("product" or "brand"))
        {
            yield return "type must be product or brand";
        }

        if (!StoredText.HasText(ExternalId, MaxIdLength))
        {
            yield return $"externalId must have 1 to {MaxIdLength} characters";
        }

        if (Item is not { } item || !StoredJson.IsObject(item, MaxItemLength))
        {
            yield return $"item must be an object of at most {MaxItemLength} characters";
        }
    }
}

/// <param name="Action"><c>added</c> or <c>removed</c>.</param>
internal sealed record FavoriteToggled(string Action, Guid Id);
