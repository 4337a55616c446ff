{{ config(enabled='salesforce' in var('account_mapping__crms', [])) }}

with

source as (

    {{ account_mapping.stage_columns('salesforce', 'user', candidates={
        'owner_id': ['id', 'user id'],
        'owner_name': ['name', 'full name'],
        'owner_email': ['email'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ account_mapping.salesforce_id_18('owner_id') }} as owner_id,

        ---------- strings
        {{ account_mapping.clean_text('owner_name') }} as owner_name,
        {{ account_mapping.clean_text('owner_email') }} as owner_email,

        ---------- booleans
        coalesce({{ account_mapping.to_boolean('is_current_version') }}, true) as is_current_version

    from source

)

select * from renamed
