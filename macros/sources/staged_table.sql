{% macro staged_table(source_name, table_name, instance=none, complains=true) %}
    {#- What is read of one source table, and how, as stage_table and the census need it:
        relation (none where there is no table), columns (its columns' names), present ({column key: [columns]}),
        expressions ({staged column: its text, the first filled source column}), sources ({staged column: names of the
        source columns}), text_dates (staged dates that may be written in any way), missing (staged columns that an
        optional table should have), and the texts extracted_at and unreadable_flags and the booleans
        is_current_version and is_deleted.
        complains: whether a required table or column that is missing, or an unknown staging column, is an error.

        Names of var account_mapping__column_candidates[source][table][staged column] are tried first; the source there
        is the CRM's name or its kind. -#}
    {%- set spec = account_mapping.source_columns(source_name)[table_name] -%}
    {%- set relation = account_mapping.source_table(
        source_name, table_name, instance=instance,
        required=complains and 'required' in spec and source_name in account_mapping.supported_crms() + ['own']) -%}
    {%- set text = dbt.type_string() -%}
    {%- set found = {
        'relation': relation, 'columns': [], 'present': {}, 'expressions': {}, 'sources': {}, 'text_dates': [],
        'missing': [], 'extracted_at': 'cast(null as ' ~ text ~ ')', 'is_current_version': 'true', 'is_deleted': 'false',
        'unreadable_flags': 'cast(null as ' ~ text ~ ')',
    } -%}
    {%- if not relation -%}
        {{- return(found) -}}
    {%- endif -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- set key = account_mapping.column_key(column.name) -%}
        {%- do found['columns'].append(column.name) -%}
        {%- do found['present'].update({key: found['present'].get(key, []) + [column]}) -%}
    {%- endfor -%}

    {%- set extra = account_mapping.extra_candidates(source_name, table_name, instance) -%}
    {%- for staged, description in spec['columns'].items() -%}
        {%- set reading = account_mapping._reading(
            found['present'], description[1:], keep_objects=description[0] in ('object', 'list'),
            exact_names=account_mapping.as_list(extra.get(staged)),
            fields=['value', 'id'] if description[0] == 'reference' else ['value']) -%}
        {%- if reading['expressions'] -%}
            {%- do found['expressions'].update({staged: account_mapping._first_filled(reading['expressions'])}) -%}
            {%- do found['sources'].update({staged: reading['names']}) -%}
            {%- if description[0] in ('date', 'timestamp') and not reading['is_typed'] -%}
                {%- do found['text_dates'].append(staged) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do account_mapping._check_required(source_name, table_name, instance, spec, extra, found, complains) -%}

    {#- what loaders write beside the CRM's own columns: Fivetran, Airbyte, Stitch and Meltano, Hevo, dlt, Synapse Link,
        Debezium, dbt snapshots -#}
    {%- set extracted = account_mapping._reading(found['present'], [
        '_fivetran_synced', '_airbyte_extracted_at', '_airbyte_emitted_at', '_sdc_extracted_at', '_sdc_batched_at',
        '_sdc_received_at', '__hevo__loaded_at', '__hevo__ingested_at', '_dlt_loaded_at', 'sinkmodifiedon',
        'dbt_updated_at',
    ]) -%}
    {%- if extracted['expressions'] -%}
        {%- do found.update({'extracted_at': account_mapping._first_filled(extracted['expressions'])}) -%}
        {%- do found['sources'].update({'extracted_at': extracted['names']}) -%}
    {%- endif -%}
    {%- set deleted = [] -%}
    {%- set flags = [] -%}
    {%- set read = [] -%}
    {%- for rule, names in {
        'true': ['_fivetran_deleted', '__hevo__marked_deleted', 'isdelete', '__deleted', '_deleted'] + spec['deleted'],
        'filled': ['_sdc_deleted_at', '_ab_cdc_deleted_at'] + spec.get('deleted_when_filled', []),
        'false': spec.get('deleted_when_false', []),
    }.items() -%}
        {%- set reading = account_mapping._reading(found['present'], names) -%}
        {%- for expression in reading['expressions'] -%}
            {%- if rule == 'filled' -%}
                {%- do deleted.append(account_mapping.clean_text(expression) ~ ' is not null') -%}
            {%- else -%}
                {%- do deleted.append('coalesce(' ~ ('not ' if rule == 'false' else '')
                    ~ account_mapping.to_boolean(expression) ~ ', false)') -%}
                {%- do flags.append(account_mapping._note('flag_not_readable', reading['names'][loop.index0],
                    account_mapping.clean_text(expression) ~ ' is not null and '
                    ~ account_mapping.to_boolean(expression) ~ ' is null', expression)) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do read.extend(reading['names']) -%}
    {%- endfor -%}
    {%- if deleted -%}
        {%- do found.update({'is_deleted': deleted | join(' or ')}) -%}
        {%- do found['sources'].update({'is_deleted': read}) -%}
    {%- endif -%}
    {%- if flags -%}
        {%- do found.update({'unreadable_flags': flags | join(' || ')}) -%}
    {%- endif -%}
    {%- set active = account_mapping._reading(found['present'], ['_fivetran_active', '_airbyte_active_row']) -%}
    {%- set closed = account_mapping._reading(found['present'], ['dbt_valid_to']) -%}
    {%- set current = [] -%}
    {%- for expression in active['expressions'] -%}
        {%- do current.append('coalesce(' ~ account_mapping.to_boolean(expression) ~ ', true)') -%}
    {%- endfor -%}
    {%- for expression in closed['expressions'] -%}
        {%- do current.append(account_mapping.clean_text(expression) ~ ' is null') -%}
    {%- endfor -%}
    {%- if current -%}
        {%- do found.update({'is_current_version': current | join(' and ')}) -%}
        {%- do found['sources'].update({'is_current_version': active['names'] + closed['names']}) -%}
    {%- endif -%}
    {{- return(found) -}}
{% endmacro %}

{% macro extra_candidates(source_name, table_name, instance=none) %}
    {#- What var account_mapping__column_candidates names for a table, {staged column: names}: for the CRM of this name,
        else for its kind. -#}
    {%- set declared = var('account_mapping__column_candidates', {}) -%}
    {%- set extra = dict((declared.get(source_name) or {}).get(table_name) or {}) -%}
    {%- if instance -%}
        {%- do extra.update((declared.get(instance['name']) or {}).get(table_name) or {}) -%}
    {%- endif -%}
    {{- return(extra) -}}
{% endmacro %}

{% macro _reading(present, names, keep_objects=false, exact_names=[], fields=['value']) %}
    {#- The source columns that bear one of the names, in order of the names: {names, expressions (their texts),
        is_typed (whether all of them are dates or times)}. A name with a dot also reaches into an object.

        exact_names: names that a user gave, tried first. In them only upper and lower case does not matter. -#}
    {%- set reading = {'names': [], 'expressions': [], 'is_typed': true} -%}
    {%- for name in account_mapping.as_list(exact_names) + names -%}
        {%- set is_exact = loop.index0 < exact_names | length -%}
        {%- for column in present.get(account_mapping.column_key(name), [])
            if column.name not in reading['names']
            and (not is_exact or account_mapping._bare_name(column.name) == account_mapping._bare_name(name)) -%}
            {%- do reading['names'].append(column.name) -%}
            {%- do reading['expressions'].append(
                account_mapping.column_as_text(column) if keep_objects
                else account_mapping.unwrapped_value(column, fields)) -%}
            {%- do reading.update({'is_typed': false}) if not (column.dtype | upper).startswith(('DATE', 'TIMESTAMP')) -%}
        {%- endfor -%}
        {%- if '.' in name -%}
            {%- for column in present.get(account_mapping.column_key(name.split('.')[0]), []) -%}
                {%- set path = name.split('.')[1:] -%}
                {%- if column.name ~ '.' ~ (path | join('.')) not in reading['names'] -%}
                    {%- do reading['names'].append(column.name ~ '.' ~ (path | join('.'))) -%}
                    {%- do reading['expressions'].append(account_mapping.object_path(column, path)) -%}
                    {%- do reading.update({'is_typed': false}) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(reading) -}}
{% endmacro %}

{% macro _bare_name(name) %}
    {#- A column's name in lower case, without a byte order mark and blanks around it. -#}
    {{- return(name | lower | replace('\ufeff', '') | trim) -}}
{% endmacro %}

{% macro _first_filled(expressions) %}
    {#- The first of some texts that is filled, trimmed; the empty text is null. -#}
    {%- set cleaned = [] -%}
    {%- for expression in expressions -%}
        {%- do cleaned.append(account_mapping.clean_text(expression)) -%}
    {%- endfor -%}
    {{- return(cleaned[0] if cleaned | length == 1 else 'coalesce(' ~ (cleaned | join(', ')) ~ ')') -}}
{% endmacro %}

{% macro _check_required(source_name, table_name, instance, spec, extra, found, complains) %}
    {#- Complaints of staged_table: a required column that is missing, and a candidate for no staged column. What an
        optional table lacks goes to found['missing']. -#}
    {%- set name = instance['name'] if instance else source_name -%}
    {%- for alternatives in spec.get('required', []) + spec.get('expected', []) -%}
        {%- set names = account_mapping.as_list(alternatives) -%}
        {%- if names | select('in', found['sources']) | list | length == 0 -%}
            {%- if alternatives in spec.get('expected', []) -%}
                {%- do found['missing'].append(names | join(' or ')) -%}
            {%- elif complains and account_mapping.is_building() -%}
                {%- set spellings = [] -%}
                {%- for staged in names -%}
                    {%- do spellings.append(staged ~ " (accepted spellings: "
                        ~ ((account_mapping.as_list(extra.get(staged)) + spec['columns'][staged][1:]) | join(', ')) ~ ")") -%}
                {%- endfor -%}
                {%- do exceptions.raise_compiler_error(
                    "account_mapping: " ~ found['relation'] ~ " has no column for " ~ (spellings | join(' or for '))
                    ~ ". Rename a column, or name yours in var account_mapping__column_candidates: {" ~ name
                    ~ ": {" ~ table_name ~ ": {" ~ names[0] ~ ": [your_column]}}}. The table's columns: "
                    ~ (found['columns'] | join(', ')) ~ "."
                ) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {#- `loaded_at` is no staging column: it is for loaded_at_query -#}
    {%- for staged in extra if staged not in spec['columns'] and staged != 'loaded_at'
        and complains and account_mapping.is_building() -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: var account_mapping__column_candidates names `" ~ staged ~ "` for " ~ name ~ "."
            ~ table_name ~ ", which is not one of its staging columns: " ~ (spec['columns'].keys() | join(', ')) ~ "."
        ) -%}
    {%- endfor -%}
{% endmacro %}
