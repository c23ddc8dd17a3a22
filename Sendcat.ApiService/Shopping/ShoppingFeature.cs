using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;
using Sendcat.ApiService.Identity.AccountChanges;
using Sendcat.ApiService.Shopping.Affiliate;
using Sendcat.ApiService.Shopping.Categories;
using Sendcat.ApiService.Shopping.Explore;
using Sendcat.ApiService.Shopping.Favorites;
using Sendcat.ApiService.Shopping.Items;
using Sendcat.ApiService.Shopping.Packages;
using Sendcat.ApiService.Tools;
using Sendcat.Integrations;
using Sendcat.Reliability.Knobs;
using Sendcat.Reliability.ToolCache;

namespace Sendcat.ApiService.Shopping;

internal static class ShoppingFeature
{
    public static IServiceCollection AddShopping(this IServiceCollection services)
    {
        services.AddEbay().AddToolCache().AddKnobs<AffiliateOptions>();
        services
            .AddSingleton<ShoppingGuard>()
            .AddSingleton<ShopCache>()
            .AddSingleton<CategoryTree>()
            .AddSingleton<FavoriteToggle>()
            .AddSingleton<DemoPackages>()
            .AddSingleton(AccountContent.RowsOf("favorites"))
            .AddSingleton(AccountContent.RowsOf("favorite_lists"))
            .AddSingleton(AccountContent.RowsOf("packages"))
            .AddSingleton<TagLink>(provider => AffiliateTag.LinkTagger(
                provider.GetRequiredService<IOptionsMonitor<AffiliateOptions>>(), provider.GetRequiredService<AnonymousSessions>()));
        services.ConfigureHttpJsonOptions(options => options.SerializerOptions.TypeInfoResolverChain.Insert(0, ShoppingJson.Default));
        return services;
    }

    public static void MapShopping(this IEndpointRouteBuilder app)
    {
        var functions = FunctionErrors.Group(app);
        functions.MapItems();
        functions.MapExplore();
        functions.MapCategories();
        functions.MapAffiliate();
        functions.MapFavorites();
        functions.MapFavoriteLists();
        functions.MapPackages();
    }
}
