{% macro pass_through_columns() %}
    {#- What var account_mapping__pass_through_columns declares, as [{crm, name, alias}]: alias defaults to the
        lower-case name. Malformed and doubled entries are errors. -#}
    {%- set declared = [] -%}
    {%- set seen = [] -%}
    {%- for entry in var('account_mapping__pass_through_columns', []) -%}
        {%- if entry is not mapping or not entry.get('crm') or not entry.get('name')
            or not (entry['crm'] in account_mapping.supported_crms() or account_mapping.crms_named(entry['crm'])) -%}
            {%- do exceptions.raise_compiler_error(
                "account_mapping: var account_mapping__pass_through_columns takes a list of {crm, name, alias}"
                ~ " (alias is optional; crm is one that is in use, or one of "
                ~ (account_mapping.supported_crms() | join(', ')) ~ "), but holds: " ~ entry
            ) -%}
        {%- endif -%}
        {%- set alias = (entry.get('alias') or (entry['name'] | lower)) | string -%}
        {%- if (entry['crm'], alias) in seen -%}
            {%- do exceptions.raise_compiler_error(
                "account_mapping: var account_mapping__pass_through_columns names `" ~ alias ~ "` twice for "
                ~ entry['crm'] ~ ". Give one of them another alias."
            ) -%}
        {%- endif -%}
        {%- do seen.append((entry['crm'], alias)) -%}
        {%- do declared.append({'crm': entry['crm'], 'name': entry['name'] | string, 'alias': alias}) -%}
    {%- endfor -%}
    {{- return(declared) -}}
{% endmacro %}
