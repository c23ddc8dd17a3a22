namespace Sendcat.ApiService.Tools;

internal static class ToolsFeature
{
    public static IServiceCollection AddTools(this IServiceCollection services) => services
        .AddSingleton<ToolBox>()
        .AddSingleton<ITool, GetCurrentTime>();
}
