namespace Sendcat.AppHost;

/// <summary>
/// Where the files of users are stored, as parameters. In a local run a value can also come from the environment variable that the API
/// reads, and all replicas get the same folder of the state folder.
/// </summary>
internal static class Files
{
    public static IResourceBuilder<ProjectResource> WithFiles(this IResourceBuilder<ProjectResource> service)
    {
        var builder = service.ApplicationBuilder;
        var local = builder.ExecutionContext.IsRunMode;
        return service.WithSettings(
        [
            ("FILES_STORE",
                builder.AddSetting(
                    "files-store", builder.Of("FILES_STORE", "folder"), "folder or s3: where the files of users are stored.")),
            ("FILES_FOLDER", builder.AddSetting(
                "files-folder", builder.Of("FILES_FOLDER", local ? LocalState.Of(builder).File("files") : "/var/lib/sendcat/files"),
                "Folder of the files; several replicas must share it.")),
            ("FILES_S3_URL",
                builder.AddSetting("files-s3-url", builder.Of("FILES_S3_URL", ""), "Address of the S3-compatible service; empty: AWS.")),
            ("FILES_S3_BUCKET", builder.AddSetting("files-s3-bucket", builder.Of("FILES_S3_BUCKET", ""), "Bucket of the files.")),
            ("FILES_S3_REGION", builder.AddSetting("files-s3-region", builder.Of("FILES_S3_REGION", "us-east-1"), "Region of the bucket.")),
            ("FILES_S3_LINK_SECONDS", builder.AddSetting(
                "files-s3-link-seconds", builder.Of("FILES_S3_LINK_SECONDS", "0"),
                "Life of the signed addresses that model providers fetch; 0: files are sent inside the request.")),
            ("FILES_S3_ACCESS_KEY",
                builder.AddOptionalSecret(
                    "files-s3-access-key", "FILES_S3_ACCESS_KEY", "Access key of the bucket; empty: the credentials of the host.")),
            ("FILES_S3_SECRET_KEY",
                builder.AddOptionalSecret("files-s3-secret-key", "FILES_S3_SECRET_KEY", "Secret key of the access key.")),
        ]);
    }
}
