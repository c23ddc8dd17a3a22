namespace Sendcat.ApiService.Callers;

internal static class CallersFeature
{
    /// <summary>Registers the blocks of callers and the sums over what callers use.</summary>
    public static IServiceCollection AddCallers(this IServiceCollection services)
    {
        services.AddSingleton<CallerTotals>();
        services.AddSingleton<CallerBlocks>();
        services.AddHostedService(provider => provider.GetRequiredService<CallerBlocks>());
        return services;
    }
}
