{{ config(enabled='dynamics_365' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns('dynamics_365', 'stringmap', candidates={
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
        {{ account_mapping.clean_id('code') }} as code,
        {{ account_mapping.clean_id('language_id') }} as language_id,

        ---------- strings
        lower({{ account_mapping.clean_id('table_name') }}) as table_name,
        lower({{ account_mapping.clean_text('column_name') }}) as column_name,
        {{ account_mapping.clean_text('label') }} as label,

        ---------- booleans
        coalesce({{ account_mapping.to_boolean('is_deleted_by_loader') }}, false) as is_deleted,
        coalesce({{ account_mapping.to_boolean('is_current_version') }}, true) as is_current_version

    from source

)

select * from renamed
