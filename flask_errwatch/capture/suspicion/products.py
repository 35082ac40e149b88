"""Names in paths that belong to products which a Flask app is not.

Source: the classification that was measured on 38 real access logs, and beside it `passwd`, `wpad`,
`phpinfo`, `wls-wsat`, `stalker_portal`, `dockerfile`, `web.config` and private keys of SSH. It was
not compared with published rule sets. A name of the app's own URL map is not foreign.
"""

from __future__ import annotations

from typing import Final

#: How the names begin that a product has many of.
BEGINNINGS: Final = (
    *("wp-", "phpmyadmin", "php-my-admin", "phppgadmin", "adminer", "struts"),
    *("xxl-job", "jasperserver", "telerik", "nmaplowercheck", "odinhttpcall", "sslvpn"),
    *("+cscoe+", "+cscol+", "cscossl", "+webvpn+"),
)

_CONTENT: Final = """
wordpress wlwmanifest xmlrpc pma pma2 myadmin mysqladmin dbadmin cgi-bin cgi-mod fcgi-bin phpunit
eval-stdin joomla drupal magento typo3 laravel symfony thinkphp sitecore umbraco desktopmodules
_profiler _ignition telescope debugbar _debugbar kcfinder ckeditor fckeditor elfinder filemanager
jquery-file-upload jquery.fileupload uploadify plupload wpad phpinfo
"""
_SERVERS: Final = """
actuator jolokia heapdump hudson jenkins jmx-console web-console invoker tomcat manager
host-manager solr elasticsearch _cat _all_dbs _cluster _search kibana grafana prometheus zabbix
nagios cacti druid nacos geoserver confluence jira phpsysinfo server-status server-info containers
_catalog json_rpc jsonrpc pool_info dns-query resolve api-docs graphiql altair web-inf meta-inf
wls-wsat
"""
_MICROSOFT: Final = """
owa ecp exchange autodiscover mapi ews oab rdweb remote rpc _vti_bin sharepoint aspnet_client
"""
_DEVICES: Final = """
hnap1 sdk evox boaform goform gponform webui webfig luci cgi dana-na dana-cached cscosslc
global-protect ssl-vpn vpn remote_login fgt_lang owncloud nextcloud roundcube webmail horde
squirrelmail zimbra officescan pandora_console vicidial helpdesk showlogin portal0000 sonicos
geoip stager64 mplayer siteloader t4 teorema505 aaa9 aab8 aab9 ab2g ab2h jquery-3.3.1.slim.min.js
jquery-3.3.2.slim.min.js stalker_portal
"""
_LEFTOVERS: Final = """
debug _debug __debug__ console shell webshell backdoor backup backups bak old bk bc dump dumps
install installer setup adminpanel administrator cpanel whm plesk vendor node_modules @vite @fs
$web etc proc passwd var root windows winnt web.config dockerfile id_rsa id_dsa id_ecdsa id_ed25519
"""

#: Whole segments of a path, in lower case.
PRODUCTS: Final = frozenset(f"{_CONTENT}{_SERVERS}{_MICROSOFT}{_DEVICES}{_LEFTOVERS}".split())
