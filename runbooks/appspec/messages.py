"""The messages of the agents, word for word. Agent 2.x has those of 1.8.1 with two slips of the pen corrected."""

EMPTY = "The deployment failed because the application specification file was empty. Make sure your AppSpec file defines at minimum the 'version' and 'os' properties."
VERSION = 'The deployment failed because an invalid version value ({}) was entered in the application specification file. Make sure your AppSpec file specifies "0.0" as the version, and then try again.'
OS = 'The deployment failed because the application specification file specifies an unsupported operating system ({}). Specify either "linux" or "windows" in the os section of the AppSpec file, and then try again.'
BEHAVIOR = "The deployment failed because an invalid file_exists_behavior value ({}) was entered in the application specification file. Make sure your AppSpec file specifies one of DISALLOW,OVERWRITE,RETAIN as the file_exists_behavior, and then try again."
SOURCE = "The deployment failed because the application specification file specifies a destination file, but no source file. Update the files section of the AppSpec file, and then try again."
DESTINATION = "The deployment failed because the application specification file specifies only a source file ({}). Add the name of the destination file to the files section of the AppSpec file, and then try again."
LOCATION = "The deployment failed because the application specification file specifies a script with no location value. Specify the location in the hooks section of the AppSpec file, and then try again."
TIMEOUT = "The deployment failed because an invalid timeout value was provided for a script in the application specification file. Make corrections in the hooks section of the AppSpec file, and then try again."
WINDOWS = "The deployment failed because the application specification file specifiles file permissions, but the deployment is targeting one or more Windows Server instances. Permissions are supported only for Amazon Linux, Ubuntu Server, and Red Hat Enterprise Linux (RHEL) instances. Update the permissions section of the AppSpec file, and then try again."
OBJECT = "The deployment failed because a permission listed in the application specification file has no object value. Update the permissions section of the AppSpec file, and then try again."
TYPE = "The deployment failed because the application specification filespecifies a permission for an object type not supported for permissions ({}). Update the permissions section of the AppSpec file, and then try again."
MODE_LENGTH = "The deployment failed because the length of a permissions mode ({}) in the application specification file is invalid. Permissions modes must be between one and four characters long. Update the permissions section of the AppSpec file, and then try again."
MODE_CHARACTER = "The deployment failed because the permissions mode ({}) in the application specification file contains an invalid character ({}). Update the permissions section of the AppSpec file, and then try again."
PATTERN = "The deployment failed because the application specification file includes an object ({}) with an invalid pattern ({}), such as a pattern for a file applied to a directory. Correct the permissions section of the AppSpec file, and then try again."
EXCEPT = "The deployment failed because the except parameter for a pattern in the permissions section ({}) for the object named {} contains an invalid format. Update the AppSpec file, and then try again."
ACL = "The deployment failed because of a problem with the acls permission settings in the application specification file. Invalid acl entry ({})."
ACL_BASE = "The deployment failed because of a problem with the acls permission settings in the application specification file. Use mode to set the base acl entry ({}). Update the permissions section of the AppSpec file, and then try again."
ACL_CHARACTER = "The deployment failed because the access control list (ACL) named {} in the application specification file contains an invalid character ({}). Correct the ACL in the hooks section of the AppSpec file, and then try again."
ACL_DEFAULT = "The deployment failed because the -d parameter has been specified to apply an acl setting to a file. This parameter is supported for directories only. Update the AppSpec file, and then try again."
CONTEXT = "The deployment failed because the application specification file specifies an invalid context type ({}). Update the permissions section of the AppSpec file, and then try again."
RANGE = "The deployment failed because of a problem with the SELinux range specified ({}) for the context parameter in the permissions section of the application specification file. Make corrections in the permissions section of the AppSpec file, and then try again."
TWO_SOURCES = "The deployment failed because the application specification file specifies two source files named {} and {} for the same destination ({}). Remove one of the source file paths from the AppSpec file, and then try again."
FILE_ON_FOLDER = "The deployment failed because the application specification file calls for installing the file {}, but a file with that name already exists at the location ({}). Update your AppSpec file or directory structure, and then try again."
FOLDER_ON_FILE = "The deployment failed because the application specification file includes an mkdir command more than once for the same destination path ({}) from ({}). Update the files section of the AppSpec file, and then try again."
OBJECT_TWICE = "The deployment failed because the permissions setting for ({}) is specified more than once in the application specification file. Update the files section of the AppSpec file, and then try again."
NO_SOURCE_1 = "No such file or directory @ rb_sysopen - ARCHIVE/{}"
NO_FOLDER_1 = "Not a directory @ rb_sysopen - ARCHIVE/{}"
INSTALL_2 = "Install failed for group GROUP: {}"  # what agent 2.x puts before every error of Install
IO_2 = "IO error: {}"  # and before those of the parser that show only there
NO_SOURCE_2 = "IO error: No such file or directory (os error 2)"
ESCAPES_2 = "The deployment failed because the source path '{}' attempts to escape the deployment archive directory: ARCHIVE"
OUTSIDE_2 = "Script at specified location: {} resolves outside the deployment archive"
NO_SCRIPT = "Script does not exist at specified location: ARCHIVE/{}"
NOT_STARTED = "Script at specified location: {} failed with error Errno::ENOENT with message No such file or directory - ARCHIVE/{}"
TIMED_OUT = "Script at specified location: {} failed to complete in {} seconds"
NO_APPSPEC = (
    'The CodeDeploy agent did not find an AppSpec file within the unpacked revision directory at revision-relative path "appspec.yml". '
    'The revision was unpacked to directory "ARCHIVE", and the AppSpec file was expected but not found at path "ARCHIVE/appspec.yml". '
    "Consult the AWS CodeDeploy Appspec documentation for more information at http://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file.html"
)
NO_APPSPEC_2 = "The deployment failed because the specified file does not exist at the expected location: ARCHIVE/appspec.yml. Verify that your AppSpec file is named correctly and that it is in the root directory of the revision's source code."
NOT_YAML = "The AppSpec file must be valid JSON or YAML The input AppSpec file is a not well-formed yaml. The template cannot be parsed."


def corrected(message: str) -> str:
    """A message of agent 1.8.1 as 2.x writes it."""
    return message.replace("specifiles", "specifies").replace("filespecifies", "file specifies")
