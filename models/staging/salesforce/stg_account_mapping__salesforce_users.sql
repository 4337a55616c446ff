{{ config(enabled='salesforce' in var('account_mapping__crms', [])) }}

with

source as (

    {{ stage_columns('salesforce', 'user', candidates={
        'owner_id': ['id', 'user id'],
        'owner_name': ['name', 'full name'],
        'owner_email': ['email'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ salesforce_id_18('owner_id') }} as owner_id,

        ---------- strings
        {{ clean_text('owner_name') }} as owner_name,
        {{ clean_text('owner_email') }} as owner_email,

        ---------- booleans
        coalesce({{ to_boolean('is_current_version') }}, true) as is_current_version

    from source

)

select * from renamed
