{% macro input_tables() %}
    {#- Every table that this run may read, as [{input, source_relation, source_table, relation, relation_name, kind,
        columns_read, columns_unread, missing, other_tables}]: what the census says of them beside the counts.

        kind: `table`, `model` (of the user's project) or `missing`. other_tables: tables of another usual name that hold
        rows and are not read. Tables of partners that are not there are left out. -#}
    {%- set tables = [] -%}
    {%- set sources = [] -%}
    {%- for instance in account_mapping.crm_instances() -%}
        {%- do sources.append(('own', none) if instance['kind'] == 'shared_keys' else (instance['kind'], instance)) -%}
    {%- endfor -%}
    {%- for source_name, instance in sources + [('partners', none)] -%}
        {%- set name = instance['name'] if instance else source_name -%}
        {%- for table_name in account_mapping.source_columns(source_name)
            if table_name != 'lead' or account_mapping.leads_mode() != 'off' -%}
            {%- set found = account_mapping.staged_table(source_name, table_name, instance, complains=false) -%}
            {%- set relation = found['relation'] -%}
            {%- set model_name = var(name ~ '_' ~ table_name ~ '_model', none) -%}
            {%- if execute and (relation or source_name != 'partners') -%}
                {%- set read, used = [], [] -%}
                {%- for staged, names in found['sources'].items() -%}
                    {%- for column in names -%}
                        {%- do read.append(column ~ ' as ' ~ staged) -%}
                        {%- do used.append(column if column in found['columns'] else column.split('.')[0]) -%}
                    {%- endfor -%}
                {%- endfor -%}
                {%- if 'account_name' in account_mapping.source_columns(source_name)[table_name]['columns'] -%}
                    {%- for column in account_mapping.pass_through_columns()
                        if column['crm'] in (source_name, name) -%}
                        {%- for source_column in account_mapping._reading(found['present'], [], exact_names=[column['name']])['names'] -%}
                            {%- do read.append(source_column ~ ' as pass_through ' ~ column['alias']) -%}
                            {%- do used.append(source_column) -%}
                        {%- endfor -%}
                    {%- endfor -%}
                {%- endif -%}
                {%- set others = [] -%}
                {%- if relation and not model_name -%}
                    {%- for other in account_mapping.source_tables_found(source_name, table_name, instance)[1:] -%}
                        {%- do others.append(other.identifier) -%}
                    {%- endfor -%}
                {%- endif -%}
                {%- do tables.append({
                    'input': name ~ '.' ~ table_name,
                    'source_relation': name,
                    'source_table': table_name,
                    'relation_name': [relation.database, relation.schema, relation.identifier] | select | join('.')
                        if relation else none,
                    'relation': relation,
                    'kind': ('model' if model_name else 'table') if relation else 'missing',
                    'columns_read': read | join('; '),
                    'columns_unread': found['columns'] | reject('in', used) | join('; '),
                    'missing': found['missing'] | join(', '),
                    'other_tables': others | join(', '),
                }) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- return(tables) -}}
{% endmacro %}

{% macro settings_that_name_nothing() %}
    {#- Settings that name a source, table or column that does not exist, as [(setting, what it names)]. -#}
    {%- set nothing = [] -%}
    {%- set instances = account_mapping.crm_instances() -%}
    {%- set declared = var('account_mapping__column_candidates', {}) -%}
    {%- set others = ['partners', 'own'] -%}
    {%- for source_name, tables in declared.items() -%}
        {%- set meant = instances | selectattr('name', 'in', account_mapping.crms_named(source_name)) | list -%}
        {%- set setting = 'account_mapping__column_candidates: ' ~ source_name -%}
        {%- if not meant and source_name not in others -%}
            {%- do nothing.append((setting, 'no CRM in use is called `' ~ source_name ~ '`')) -%}
        {%- else -%}
            {%- set kind = meant[0]['kind'] if meant else source_name -%}
            {%- set known = account_mapping.source_columns('own' if kind == 'shared_keys' else kind) -%}
            {%- for table_name, columns in (tables or {}).items() -%}
                {%- if table_name not in known -%}
                    {%- do nothing.append((setting ~ ': ' ~ table_name,
                        'no table `' ~ table_name ~ '`; there are: ' ~ (known.keys() | join(', ')))) -%}
                {%- else -%}
                    {%- for staged, names in (columns or {}).items() -%}
                        {%- set hits = [] -%}
                        {%- for instance in (meant or [none]) -%}
                            {%- set found = account_mapping.staged_table(kind, table_name, instance, complains=false) -%}
                            {%- set reading = account_mapping._reading(
                                found['present'], [], exact_names=account_mapping.as_list(names)) -%}
                            {%- for name in reading['names'] -%}
                                {#- a path into an object is there if any object has it -#}
                                {%- if name in found['columns'] or (account_mapping.is_building() and run_query(
                                    'select 1 from ' ~ found['relation'] ~ ' where '
                                    ~ reading['expressions'][loop.index0] ~ ' is not null limit 1').rows | length) -%}
                                    {%- do hits.append(name) -%}
                                {%- endif -%}
                            {%- endfor -%}
                        {%- endfor -%}
                        {%- if not hits -%}
                            {%- do nothing.append((setting ~ ': ' ~ table_name ~ ': ' ~ staged,
                                'no column ' ~ (account_mapping.as_list(names) | join(', ')))) -%}
                        {%- endif -%}
                    {%- endfor -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for column in account_mapping.pass_through_columns() -%}
        {%- set hits = [] -%}
        {%- for instance in instances if column['crm'] in (instance['name'], instance['kind']) -%}
            {%- for table_name, spec in account_mapping.source_columns(
                'own' if instance['kind'] == 'shared_keys' else instance['kind']).items()
                if 'account_name' in spec['columns'] -%}
                {%- set found = account_mapping.staged_table(
                    instance['kind'], table_name, instance, complains=false) -%}
                {%- do hits.extend(account_mapping._reading(found['present'], [], exact_names=[column['name']])['names']) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- if not hits -%}
            {%- do nothing.append(('account_mapping__pass_through_columns: ' ~ column['crm'] ~ ': ' ~ column['alias'],
                'no column ' ~ column['name'])) -%}
        {%- endif -%}
    {%- endfor -%}
    {{- return(nothing) -}}
{% endmacro %}
