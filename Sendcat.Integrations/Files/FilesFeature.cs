using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Integrations.Files;

public static class FilesFeature
{
    /// <summary>Registers the <see cref="IFileStore"/> that <c>FILES_STORE</c> names.</summary>
    public static IServiceCollection AddFiles(this IServiceCollection services)
    {
        services.AddKnobs<FilesOptions>();
        services.TryAddSingleton(provider => Store(
            provider.GetRequiredService<IOptions<FilesOptions>>().Value, provider.GetRequiredService<IHostEnvironment>(),
            provider.GetRequiredService<TimeProvider>()));
        return services;
    }

    private static IFileStore Store(FilesOptions options, IHostEnvironment environment, TimeProvider time) => options.Store switch
    {
        FilesOptions.S3 when options.S3Bucket.Length == 0 =>
            throw new InvalidOperationException("FILES_STORE is s3, but FILES_S3_BUCKET is empty."),
        FilesOptions.S3 => new S3Store(options, time),
        FilesOptions.Folder => new FolderStore(Path.GetFullPath(options.FolderPath, environment.ContentRootPath)),
        _ => throw new InvalidOperationException($"FILES_STORE has no store '{options.Store}'."),
    };
}
