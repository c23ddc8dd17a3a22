using System.Text.Json;
using System.Text.Json.Serialization;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Shopping.Affiliate;
using Sendcat.ApiService.Shopping.Categories;
using Sendcat.ApiService.Shopping.Explore;
using Sendcat.ApiService.Shopping.Favorites;
using Sendcat.ApiService.Shopping.Items;
using Sendcat.ApiService.Shopping.Packages;

namespace Sendcat.ApiService.Shopping;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ItemDetails))]
[JsonSerializable(typeof(ExplorePage))]
[JsonSerializable(typeof(Page<ExploreItem>), TypeInfoPropertyName = "ExploreItems")]
[JsonSerializable(typeof(CategoryView))]
[JsonSerializable(typeof(Page<CategoryView>), TypeInfoPropertyName = "CategoryPage")]
[JsonSerializable(typeof(AffiliateTag))]
[JsonSerializable(typeof(AffiliateLink))]
[JsonSerializable(typeof(Page<FavoriteView>), TypeInfoPropertyName = "FavoritePage")]
[JsonSerializable(typeof(Page<FavoriteMark>), TypeInfoPropertyName = "FavoriteMarkPage")]
[JsonSerializable(typeof(FavoriteListView))]
[JsonSerializable(typeof(Page<FavoriteListView>), TypeInfoPropertyName = "FavoriteListPage")]
[JsonSerializable(typeof(FavoriteListName))]
[JsonSerializable(typeof(FavoriteToggling))]
[JsonSerializable(typeof(FavoriteToggled))]
[JsonSerializable(typeof(Page<PackageView>), TypeInfoPropertyName = "PackagePage")]
[JsonSerializable(typeof(PackageCounts))]
[JsonSerializable(typeof(PackagesSeeded))]
[JsonSerializable(typeof(JsonElement))]
internal sealed partial class ShoppingJson : JsonSerializerContext;
