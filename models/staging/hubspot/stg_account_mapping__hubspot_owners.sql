{{ config(enabled='hubspot' in var('account_mapping__crms', [])) }}

with

source as (

    {{ stage_columns('hubspot', 'owner', candidates={
        'owner_id': ['owner_id', 'id'],
        'owner_email': ['email'],
        'first_name': ['first_name', 'firstname'],
        'last_name': ['last_name', 'lastname'],
        'is_current_version': ['_fivetran_active'],
    }) }}

),

renamed as (

    select
        ---------- ids
        {{ clean_id('owner_id') }} as owner_id,

        ---------- strings
        coalesce(
            {{ clean_text('first_name') }} || ' ' || {{ clean_text('last_name') }},
            {{ clean_text('first_name') }},
            {{ clean_text('last_name') }}
        ) as owner_name,
        {{ clean_text('owner_email') }} as owner_email,

        ---------- booleans
        coalesce({{ to_boolean('is_current_version') }}, true) as is_current_version

    from source

)

select * from renamed
