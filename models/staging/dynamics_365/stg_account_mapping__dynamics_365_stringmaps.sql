{{ config(enabled='dynamics_365' in var('account_mapping__crms', [])) }}

with

source as (

    {{ stage_columns('dynamics_365', 'stringmap', candidates={
        'table_name': ['objecttypecode'],
        'column_name': ['attributename'],
        'code': ['attributevalue'],
        'label': ['value'],
        'language_id': ['langid'],
        'is_deleted_by_loader': ['_fivetran_deleted'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ clean_id('code') }} as code,
        {{ clean_id('language_id') }} as language_id,

        ---------- strings
        lower({{ clean_id('table_name') }}) as table_name,
        lower({{ clean_text('column_name') }}) as column_name,
        {{ clean_text('label') }} as label,

        ---------- booleans
        coalesce({{ to_boolean('is_deleted_by_loader') }}, false) as is_deleted,
        coalesce({{ to_boolean('is_current_version') }}, true) as is_current_version

    from source

)

select * from renamed
