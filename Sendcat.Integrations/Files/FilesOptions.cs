using System.ComponentModel.DataAnnotations;
using Sendcat.Reliability.Knobs;

namespace Sendcat.Integrations.Files;

/// <summary>Where the files of users are stored.</summary>
public sealed class FilesOptions
{
    public const string Folder = "folder";
    public const string S3 = "s3";

    /// <summary>
    /// The store of files: <c>folder</c>, or <c>s3</c> for a bucket of an S3-compatible service. All replicas must use the same store:
    /// replicas on several hosts need <c>s3</c> or a folder that they share.
    /// </summary>
    [Knob("FILES_STORE", StartUpOnly = true), AllowedValues(Folder, S3)]
    public string Store { get; set; } = Folder;

    /// <summary>
    /// The folder of the files. A relative path begins at the content root of the program. It is created when it is needed.
    /// </summary>
    [Knob("FILES_FOLDER", StartUpOnly = true), RegularExpression("^.+$")]
    public string FolderPath { get; set; } = "files";

    /// <summary>
    /// Address of the S3-compatible service; empty: AWS in <c>FILES_S3_REGION</c>. With an address, the bucket is part of the path.
    /// </summary>
    [Knob("FILES_S3_URL", StartUpOnly = true), HttpUrl]
    public string S3Url { get; set; } = "";

    /// <summary>The bucket. It must exist.</summary>
    [Knob("FILES_S3_BUCKET", StartUpOnly = true), RegularExpression("^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$")]
    public string S3Bucket { get; set; } = "";

    /// <summary>Region of the bucket, which is part of every signature.</summary>
    [Knob("FILES_S3_REGION", StartUpOnly = true), RegularExpression("^[a-z0-9-]{1,40}$")]
    public string S3Region { get; set; } = "us-east-1";

    /// <summary>Access key; empty: the credentials of the host (environment, profile, role) as the AWS SDK finds them.</summary>
    [Knob("FILES_S3_ACCESS_KEY", Secret = true)]
    public string S3AccessKey { get; set; } = "";

    /// <summary>Secret key of the access key.</summary>
    [Knob("FILES_S3_SECRET_KEY", Secret = true)]
    public string S3SecretKey { get; set; } = "";

    /// <summary>Milliseconds of one attempt of a request to the service; a failed attempt is repeated twice.</summary>
    [Knob("FILES_S3_TIMEOUT_MS", StartUpOnly = true), Range(500, 120_000)]
    public int S3TimeoutMs { get; set; } = 10_000;

    /// <summary>
    /// Life of the signed addresses from which a model provider fetches files; 0: files are sent to the provider inside the request. The
    /// provider must be able to reach the service.
    /// </summary>
    [Knob("FILES_S3_LINK_SECONDS", Unit = "s", StartUpOnly = true), Range(0, 3_600)]
    public int S3LinkSeconds { get; set; }
}
